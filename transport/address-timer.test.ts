import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import test from 'node:test'

/** The timer that would be left runs for a second; all that are shorter than this have gone off when this one does. */
const SHORTER_MS = 100

const PROGRAM = `
  import { setTimeout as sleep } from 'node:timers/promises'
  import { generateKeyPair } from '@libp2p/crypto/keys'
  import { createTransport } from ${JSON.stringify(new URL('index.ts', import.meta.url).href)}
  const privateKey = await generateKeyPair('Ed25519')
  const node = await createTransport({ privateKey, listen: ['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0/ws'] })
  await node.stop()
  await sleep(${SHORTER_MS})
  const isTimer = name => name === 'Timeout'
  console.log(process.getActiveResourcesInfo().filter(isTimer).length)
`

test('a transport that was stopped leaves no timer that would keep its process alive', async () => {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', PROGRAM], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'pipe', 'inherit']
  })

  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'exit') as Promise<[number]>])

  assert.equal(code, 0)
  assert.equal(output.trim(), '0', 'timers are left')
})
