import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import test from 'node:test'

const PROGRAM = `
  import { generateKeyPair } from '@libp2p/crypto/keys'
  import { createTransport } from ${JSON.stringify(new URL('index.ts', import.meta.url).href)}
  const privateKey = await generateKeyPair('Ed25519')
  const node = await createTransport({ privateKey, listen: ['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0/ws'] })
  await node.stop()
  await new Promise(resolve => setImmediate(resolve))
  console.log(JSON.stringify(process.getActiveResourcesInfo().filter(name => name === 'Timeout')))
`

test('a transport that was stopped leaves no timer that would keep its process alive', async () => {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', PROGRAM], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'pipe', 'inherit']
  })

  const [output] = (await once(child.stdout, 'data')) as [Buffer]
  await once(child, 'exit')

  assert.deepEqual(JSON.parse(String(output)), [])
})
