import type { IncomingMessage } from 'node:http'
import { Problem } from '../ams/routes/problem.ts'
import type { CallClock } from './parts.ts'

export interface BodyBounds {
  readonly maxBytes: number
  /** Nothing may fail to come for longer. */
  readonly stallMs: number
  readonly clock: CallClock
}

/**
 * The body of a request as it comes, no faster than it is read. What was not read when the reader leaves is left to the
 * connection, which can still be answered.
 * @throws Problem `body_oversize` once there is more than may be, `slow_peer` where nothing comes
 */
export async function* bodyPieces(
  request: IncomingMessage,
  { maxBytes, stallMs, clock }: BodyBounds
): AsyncGenerator<Uint8Array, void> {
  const body = request.iterator({ destroyOnReturn: false })
  let bytes = 0
  try {
    for (;;) {
      const piece = await inTime(body.next(), stallMs, clock)
      if (piece.done === true) return
      bytes += (piece.value as Uint8Array).length
      if (bytes > maxBytes) throw oversize(maxBytes)
      yield piece.value as Uint8Array
    }
  } finally {
    void body.return?.()
  }
}

export const oversize = (maxBytes: number): Problem =>
  new Problem('body_oversize', `the body is longer than ${maxBytes} bytes`)

function inTime<T>(coming: Promise<T>, stallMs: number, clock: CallClock): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  const stop = clock.after(stallMs, () =>
    reject(new Problem('slow_peer', `nothing of the body came for ${stallMs} ms`, { status: 408 }))
  )
  coming.then(resolve, reject)
  return promise.finally(stop)
}
