import assert from 'node:assert/strict'
import test from 'node:test'
import type { ByteStream } from './byte-stream.ts'
import { memoryStreams } from './memory-streams.ts'
import { StreamReader } from './stream-reader.ts'
import { bytes } from './session-pair.fixture.ts'

const turn = () => new Promise(resolve => setImmediate(resolve))

test('tells the end of a stream that ended before anyone listened', async () => {
  const [left, right] = memoryStreams()
  await left.close()
  await turn()
  await turn()

  const told = record(right)
  await turn()

  assert.deepEqual(told, ['finished'])
})

test('tells the bytes first that came before the end of a stream and before anyone listened', async () => {
  const [left, right] = memoryStreams()
  right.pause()
  left.send(bytes('last'))
  await left.close()
  await turn()
  await turn()

  const told = record(right)
  right.resume()
  await turn()
  await turn()

  assert.deepEqual(told, ['last', 'finished'])
})

function record(stream: ByteStream): string[] {
  const told: string[] = []
  new StreamReader(stream, {
    bytes: piece => told.push(new TextDecoder().decode(piece)),
    turn: () => undefined,
    finished: () => told.push('finished'),
    closed: () => undefined
  })
  return told
}
