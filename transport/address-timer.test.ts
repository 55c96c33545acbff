import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import test from 'node:test'

/** The timer that would be left runs for a second; others end with what they wait for, within some turns. */
const MOST_MS = 700

const PROGRAM = `
  import { generateKeyPair } from '@libp2p/crypto/keys'
  import { createTransport } from ${JSON.stringify(new URL('index.ts', import.meta.url).href)}
  const privateKey = await generateKeyPair('Ed25519')
  const node = await createTransport({ privateKey, listen: ['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0/ws'] })
  await node.stop()
  const since = performance.now()
  process.on('exit', () => console.log(performance.now() - since))
`

test('a transport that was stopped leaves no timer that would keep its process alive', async () => {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', PROGRAM], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'pipe', 'inherit']
  })

  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'exit') as Promise<[number]>])

  assert.equal(code, 0)
  assert.ok(Number(output) < MOST_MS, `it lived for ${output.trim()} ms more`)
})
