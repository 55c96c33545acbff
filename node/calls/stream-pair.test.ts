import assert from 'node:assert/strict'
import test from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { ByteStream } from '../../protocols/index.ts'
import { streamPair } from './stream-pair.ts'

/** What an end is told, in its order. */
function heardBy(stream: ByteStream): string[] {
  const heard: string[] = []
  stream.addEventListener('message', ({ data }) => void heard.push(Buffer.from(data.subarray()).toString()))
  stream.addEventListener('remoteCloseWrite', () => void heard.push('fin'))
  stream.addEventListener('drain', () => void heard.push('drain'))
  stream.addEventListener('close', ({ error }) => void heard.push(`close ${error?.message ?? 'in peace'}`))
  return heard
}

test('what one end sends the other receives in order, later, and then that there is no more', async () => {
  const [one, other] = streamPair()
  const heard = heardBy(other)

  one.send(Buffer.from('a'))
  one.send(Buffer.from('b'))
  void one.close()
  assert.deepEqual(heard, [])
  await turn()

  assert.deepEqual(heard, ['a', 'b', 'fin'])
  assert.equal(other.readStatus, 'closed')
  assert.equal(other.status, 'open')
})

test('both close once both have ended their halves, and nothing is sent after that', async () => {
  const [one, other] = streamPair()
  const [ofOne, ofOther] = [heardBy(one), heardBy(other)]

  void one.close()
  other.send(Buffer.from('late'))
  void other.close()
  await turn()

  assert.deepEqual(ofOne, ['late', 'fin', 'close in peace'])
  assert.deepEqual(ofOther, ['fin', 'close in peace'])
  assert.throws(() => one.send(Buffer.from('x')), /sends no more/)
})

test('an end that does not read makes the other wait, and says when there is room', async () => {
  const [one, other] = streamPair()
  const [ofOne, ofOther] = [heardBy(one), heardBy(other)]
  other.pause()

  assert.equal(one.send(Buffer.alloc(60_000)), true)
  assert.equal(one.send(Buffer.alloc(60_000)), false)
  await turn()
  assert.deepEqual([ofOther.length, one.writableNeedsDrain, other.readBufferLength], [0, true, 120_000])
  other.resume()
  await turn()

  assert.deepEqual([ofOther.length, one.writableNeedsDrain, other.readBufferLength], [2, false, 0])
  assert.deepEqual(ofOne, ['drain'])
})

test('a pause within a message holds what came after it, its end too', async () => {
  const [one, other] = streamPair()
  const heard = heardBy(other)
  other.addEventListener('message', () => other.pause())

  one.send(Buffer.from('a'))
  one.send(Buffer.from('b'))
  void one.close()
  await turn()
  assert.deepEqual(heard, ['a'])
  other.resume()
  await turn()
  other.resume()
  await turn()

  assert.deepEqual(heard, ['a', 'b', 'fin'])
})

test('an end that is aborted tells itself why, and takes the other with it, unread bytes too', async () => {
  const [one, other] = streamPair()
  const [ofOne, ofOther] = [heardBy(one), heardBy(other)]

  other.send(Buffer.from('never read'))
  one.abort(new Error('enough'))
  one.abort(new Error('again'))
  await turn()

  assert.deepEqual([ofOne, ofOther], [['close enough'], ['close in peace']])
  assert.deepEqual([one.status, other.status], ['aborted', 'closed'])
})
