import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { createTransport } from '../transport/index.ts'
import { listenFailure } from './listen-failure.ts'
import { SetupError } from './setup-error.ts'

for (const kind of ['', '/ws']) {
  test(`names the one port of many that is taken, on /tcp${kind}, and the options that change it`, async t => {
    const port = await takenPort(t)

    const failure = await failureOf(['/ip4/127.0.0.1/tcp/0', `/ip4/127.0.0.1/tcp/${port}${kind}`])

    assert.equal(failure.reason, 'portInUse')
    assert.equal(
      failure.message,
      `node.listen: port ${port} on 127.0.0.1 is taken; stop its owner, or choose another with --listen or node.listen`
    )
  })
}

test('names an address that this machine does not have', async () => {
  const failure = await failureOf(['/ip4/192.0.2.1/tcp/4801'])

  assert.equal(failure.reason, 'badAddress')
  assert.match(
    failure.message,
    /^node\.listen: this machine has no address 192\.0\.2\.1; choose another with --listen/
  )
})

test('names all addresses when the error names none', () => {
  const failure = listenFailure(['/ip4/0.0.0.0/tcp/80'], Object.assign(new Error('no'), { code: 'EACCES' }))

  assert.ok(failure instanceof SetupError)
  assert.match(
    failure.message,
    /no permission for a port of \/ip4\/0\.0\.0\.0\/tcp\/80; below 1024 needs root/
  )
})

test('leaves other errors alone', () => {
  const fault = new TypeError('x is not a function')

  assert.equal(listenFailure([], fault), fault)
})

async function failureOf(listen: string[]): Promise<SetupError> {
  const privateKey = await generateKeyPair('Ed25519')
  const error = await createTransport({ privateKey, listen }).then(
    () => assert.fail('it listens'),
    (thrown: unknown) => listenFailure(listen, thrown)
  )
  assert.ok(error instanceof SetupError)
  return error
}

async function takenPort(t: TestContext): Promise<number> {
  const server = createServer()
  t.after(() => server.close())
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as { port: number }).port
}
