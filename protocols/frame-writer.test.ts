import assert from 'node:assert/strict'
import test from 'node:test'
import { FLAG } from './frame.ts'
import { FrameWriter } from './frame-writer.ts'
import { memoryStreams } from './memory-streams.ts'

const MIB = 1_048_576
const FRAMES = 32
const BODY = new Uint8Array(900_000)

test('what many calls queue in one turn leaves in writes of little more than 1 MiB, as the stream takes them', async () => {
  const [stream, other] = memoryStreams()
  const writes: number[] = []
  const send = stream.send.bind(stream)
  stream.send = bytes => {
    writes.push(bytes.byteLength)
    return send(bytes)
  }
  let arrived = 0
  other.addEventListener(
    'message',
    (event: { data: { byteLength: number } }) => (arrived += event.data.byteLength)
  )
  const writer = new FrameWriter(stream)
  for (let n = 1; n <= FRAMES; n++) writer.write(FLAG.REQ | FLAG.START | FLAG.END, 0, 1, undefined, n, BODY)

  writer.flush()
  const atOnce = writes.length
  await writer.finish()
  for (let turn = 0; turn < 1000 && arrived < writer.bytesSent; turn++)
    await new Promise(resolve => setImmediate(resolve))

  assert.equal(atOnce, 1)
  assert.ok(
    writes.every(bytes => bytes <= 2 * MIB),
    writes.join()
  )
  assert.ok(arrived > FRAMES * BODY.length, `${arrived} bytes arrived`)
  assert.equal(writer.bytesSent, arrived)
})
