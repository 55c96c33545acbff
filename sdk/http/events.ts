import { ERRORS, isErrorCode, parseJson } from '../../protocols/index.ts'
import type { OapError } from '../../protocols/index.ts'
import { EventParser } from './event-parser.ts'
import type { SentEvent } from './event-parser.ts'
import { sessionLost } from './fetch-fault.ts'
import { problemError } from './problem.ts'

/** A message of 1 MiB of which each character is escaped, with what is said of it. */
const MAX_EVENT_BYTES = 8 * 1_048_576
/** What a stream that has begun has for a status. */
const STATUSES: Readonly<Record<string, number>> = { unauthorized: 401, forbidden: 403, rate_limited: 429 }
const UNAVAILABLE = 503
const FAILED = 500

export interface EventsOptions<T> {
  readonly corrId: bigint
  readonly read: (data: Uint8Array) => T
}

/**
 * What the events `delivery` of a stream hold, until its event `end`. Leaving the loop ends the request at once.
 * @throws OapError of its event `error`; LinkError `upstream` where it ends without either
 */
export function eventsOf<T>(
  pieces: AsyncIterableIterator<Uint8Array, void>,
  { corrId, read }: EventsOptions<T>
): AsyncIterableIterator<T, void> {
  const parser = new EventParser(MAX_EVENT_BYTES)
  let waiting: SentEvent[] = []
  let isOver = false
  const leave = async (): Promise<IteratorReturnResult<void>> => {
    isOver = true
    await pieces.return?.()
    return { done: true, value: undefined }
  }
  const next = async (): Promise<IteratorResult<T, void>> => {
    while (!isOver) {
      const event = waiting.shift()
      if (event === undefined) {
        const piece = await pieces.next()
        if (piece.done === true) throw sessionLost('the stream of events broke off')
        waiting = parser.push(piece.value)
      } else if (event.event === 'delivery') return { done: false, value: read(event.data) }
      else if (event.event === 'error') throw errorOf(event.data, corrId)
      else if (event.event === 'end') break
    }
    return leave()
  }
  const events: AsyncIterableIterator<T, void> = {
    next: async () => {
      try {
        return await next()
      } catch (error) {
        await leave()
        throw error
      }
    },
    return: leave,
    [Symbol.asyncIterator]: () => events
  }
  return events
}

/** A stream that has begun has no status any more: its problem has the one that belongs to its code. */
function errorOf(data: Uint8Array, corrId: bigint): OapError {
  const { error, retry_after_sec: wait } = parseJson(data)
  const status = isErrorCode(error) ? ERRORS[error].status : STATUSES[typeof error === 'string' ? error : '']
  const passing = wait === undefined ? FAILED : UNAVAILABLE
  return problemError(status ?? passing, data, { corrId, retryAfter: null })
}
