import type { IncomingMessage } from 'node:http'
import { Problem } from '../ams/routes/problem.ts'
import type { CallClock } from './parts.ts'

export interface BodyBounds {
  readonly maxBytes: number
  /** Within which `LEAST_BYTES` come, over and over. */
  readonly stallMs: number
  readonly clock: CallClock
}

/** A line that brings less within `stallMs` holds its place for too little. */
export const LEAST_BYTES = 65_536

/**
 * The body of a request as it comes, no faster than it is read. It may take as long as it likes while enough of it comes; the
 * time that its reader takes is not counted. What was not read when the reader leaves is left to the connection, which can
 * still be answered.
 * @throws Problem `body_oversize` once there is more than may be, `slow_peer` where too little comes
 */
export async function* bodyPieces(
  request: IncomingMessage,
  { maxBytes, stallMs, clock }: BodyBounds
): AsyncGenerator<Uint8Array, void> {
  const body = request.iterator({ destroyOnReturn: false })
  const late = (): Problem =>
    new Problem('slow_peer', `less than ${LEAST_BYTES} bytes of the body came within ${stallMs} ms`, {
      status: 408
    })
  let bytes = 0
  let [due, leftMs] = [LEAST_BYTES, stallMs]
  try {
    for (;;) {
      const since = clock.now()
      const piece = await inTime(body.next(), Math.max(0, leftMs), clock, late)
      if (piece.done === true) return
      const { length } = piece.value as Uint8Array
      bytes += length
      if (bytes > maxBytes) throw oversize(maxBytes)
      leftMs -= clock.now() - since
      due -= length
      if (due <= 0) [due, leftMs] = [LEAST_BYTES, stallMs]
      if (leftMs <= 0) throw late()
      yield piece.value as Uint8Array
    }
  } finally {
    void body.return?.()
  }
}

export const oversize = (maxBytes: number): Problem =>
  new Problem('body_oversize', `the body is longer than ${maxBytes} bytes`)

function inTime<T>(coming: Promise<T>, ms: number, clock: CallClock, late: () => Problem): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  const stop = clock.after(ms, () => reject(late()))
  coming.then(resolve, reject)
  return promise.finally(stop)
}
