import assert from 'node:assert/strict'
import { Socket } from 'node:net'
import { test } from 'node:test'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { createDialer, createTransport } from '../transport.ts'

const CALLS = 100

void test('an echo over tuned noise costs one write each way', async () => {
  assert.equal(await writesForEchoes(true), 2 * CALLS)
})

void test('an echo over stock noise costs several, so the count above measures the tuning', async () => {
  assert.ok((await writesForEchoes(false)) > 6 * CALLS)
})

async function writesForEchoes(tuned: boolean): Promise<number> {
  const privateKey = await generateKeyPair('Ed25519')
  const node = await createTransport({
    privateKey,
    listen: ['/ip4/127.0.0.1/tcp/0'],
    tuned,
    encryption: ['noise']
  })
  await node.handle('/echo/1', stream =>
    stream.addEventListener('message', ({ data }) => void stream.send(data))
  )
  const dialer = await createDialer({ tuned, encryption: ['noise'] })
  const stream = await dialer.dialProtocol(node.getMultiaddrs(), '/echo/1')
  const echoed = async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    stream.addEventListener('message', () => resolve(), { once: true })
    stream.send(new Uint8Array(128))
    await promise
  }
  for (let i = 0; i < 10; i++) await echoed()

  const counted = countWrites()
  for (let i = 0; i < CALLS; i++) await echoed()
  const writes = counted.stop()

  await Promise.all([dialer.stop(), node.stop()])
  return writes
}

function countWrites() {
  const prototype = Socket.prototype as unknown as Record<'_write' | '_writev', (...args: unknown[]) => void>
  const stock = { _write: prototype._write, _writev: prototype._writev }
  let writes = 0
  for (const name of ['_write', '_writev'] as const) {
    prototype[name] = function (this: unknown, ...args) {
      writes++
      return stock[name].apply(this, args)
    }
  }
  return {
    stop() {
      Object.assign(prototype, stock)
      return writes
    }
  }
}
