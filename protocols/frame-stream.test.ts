import assert from 'node:assert/strict'
import test from 'node:test'
import { FLAG, encodeFrame } from './frame.ts'
import { FrameStream } from './frame-stream.ts'
import type { InboundBudget } from './frame-stream.ts'
import { memoryStreams } from './memory-streams.ts'
import { plainPlatform } from './platform.ts'

const PAYLOAD_BYTES = 100_000

/** A budget that the frame under way spends to the last byte. */
class OneFrameBudget implements InboundBudget {
  held = 0
  get isSpent(): boolean {
    return this.held > PAYLOAD_BYTES
  }
  reserve(bytes: number): boolean {
    this.held += bytes
    return true
  }
  hold(): void {}
  release(bytes: number): void {
    this.held -= bytes
  }
  onRoom(): void {}
}

test('reads on to the end of the frame that has spent the budget', async () => {
  const [left, right] = memoryStreams({ windowBytes: 1000 })
  const budget = new OneFrameBudget()
  const received = Promise.withResolvers<number>()
  new FrameStream(right, {
    platform: plainPlatform,
    budget,
    maxFrameBytes: () => 1_048_576,
    callsOpen: () => 0,
    isFull: () => false,
    frame: frame => received.resolve(frame.payload.length),
    fault: () => assert.fail('a fault'),
    finished: () => undefined,
    broke: error => received.reject(error),
    gone: () => received.reject(new Error('the stream is gone'))
  })

  left.send(
    encodeFrame({ flags: FLAG.REQ | FLAG.START, app: 1, corr: 1, payload: new Uint8Array(PAYLOAD_BYTES) })
  )

  assert.equal(await received.promise, PAYLOAD_BYTES)
  assert.equal(budget.held, 0)
})
