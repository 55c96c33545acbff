import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AbstractMessageStream } from '@libp2p/utils'
import { silentLogger } from '../silent-logger.ts'
import { innards, sendDirectly } from './message-stream.ts'

const MIB = 1 << 20

void test('a connection whose peer never reads is aborted at 8 MiB unsent', () => {
  const stream = new Blocked({ log: silentLogger.forComponent('test') })
  sendDirectly(innards(stream), () => false)
  stream.send(new Uint8Array(1))

  for (let i = 0; i < 8; i++) assert.equal(stream.send(new Uint8Array(MIB)), false)
  assert.equal(stream.status, 'open')

  stream.send(new Uint8Array(1))
  assert.equal(stream.status, 'aborted')
  assert.equal(stream.writeBufferLength, 0)
})

void test('what could not be sent at once leaves in order after a drain', async () => {
  const stream = new Blocked({ log: silentLogger.forComponent('test') })
  let isFull = true
  sendDirectly(innards(stream), data => {
    stream.sent.push(...data.subarray())
    return !isFull
  })

  stream.send(Uint8Array.of(1))
  stream.send(Uint8Array.of(2))
  stream.send(Uint8Array.of(3))
  assert.deepEqual(stream.sent, [1])

  isFull = false
  stream.safeDispatchEvent('drain')
  await Promise.resolve()
  stream.send(Uint8Array.of(4))
  assert.deepEqual(stream.sent, [1, 2, 3, 4])
})

class Blocked extends AbstractMessageStream {
  readonly sent: number[] = []

  sendData(data: { subarray(): Uint8Array; readonly byteLength: number }) {
    this.sent.push(...data.subarray())
    return { sentBytes: data.byteLength, canSendMore: true }
  }

  sendReset() {}
  sendPause() {}
  sendResume() {}
  async close() {}
}
