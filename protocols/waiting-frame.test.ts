import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { FrameDecoder } from './frame-decoder.ts'
import { FLAG, encodeFrame } from './frame.ts'

test('a frame that waited for room goes on when there is some, wherever its pieces were divided', () => {
  const frame = encodeFrame({ flags: FLAG.REQ | FLAG.START, app: 1, corr: 7, payload: new Uint8Array(40) })
  const cuts = fc.uniqueArray(fc.integer({ min: 1, max: frame.length - 1 }), { maxLength: 5 })
  fc.assert(
    fc.property(cuts, fc.integer({ min: 1, max: 4 }), (places, refusals) => {
      let left = refusals
      const seen: unknown[] = []
      const decoder = new FrameDecoder({
        frame: ({ corr }) => seen.push(corr) > 0,
        fault: () => true,
        reserve: () => left-- <= 0
      })
      const edges = [0, ...places.sort((a, b) => a - b), frame.length]
      for (let i = 1; i < edges.length; i++) decoder.push(frame.subarray(edges[i - 1], edges[i]))
      for (let i = 0; i < refusals; i++) decoder.resume()

      assert.equal(decoder.isWaiting, false)
      assert.deepEqual(seen, [7])
    }),
    { numRuns: 1000 }
  )
})
