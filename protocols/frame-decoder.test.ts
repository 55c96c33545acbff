import assert from 'node:assert/strict'
import test from 'node:test'
import { FrameDecoder } from './frame-decoder.ts'
import { FLAG, encodeFrame } from './frame.ts'

test('a refused frame is over when its last byte is here, not when it is refused', () => {
  const capOnContinuation = encodeFrame({ flags: FLAG.REQ, app: 1, corr: 1, payload: new Uint8Array(50) })
  capOnContinuation[27] = 8
  const refused: string[] = []
  const decoder = new FrameDecoder({ frame: () => true, fault: ({ code }) => refused.push(code) > 0 })

  decoder.push(capOnContinuation.subarray(0, 60))
  const midway = [refused.length, decoder.frames, decoder.isPartial]
  decoder.push(capOnContinuation.subarray(60))

  assert.deepEqual(midway, [1, 0, true])
  assert.deepEqual([decoder.frames, decoder.isPartial], [1, false])
})
