import type { MailboxDelivery } from '../../protocols/index.ts'
import { Problem } from '../ams/routes/problem.ts'
import { callProblem } from './call-problem.ts'
import { messageJson } from './message-json.ts'
import type { CallParts } from './parts.ts'

const utf8 = new TextEncoder()
const HEARTBEAT = utf8.encode(': \n\n')
/** The first thing that a reader gets, so that it knows at once that it is heard. */
const OPENED = utf8.encode(': open\n\n')
const BEAT = Symbol('beat')

export interface EventStreamOptions extends Pick<CallParts, 'heartbeatMs' | 'clock' | 'onError'> {
  /** Aborts when the reader goes away, or with a problem when it may not go on. */
  readonly signal: AbortSignal
  readonly requestId: string
}

/**
 * Deliveries as server-sent events, each taken from the subscription only once the one before it has left. Ends with an
 * event `end` when the subscription does, with one `error` where it fails; while nothing comes, comments do.
 * @see specs/http.md, section 4
 */
export async function* eventStream(
  deliveries: AsyncIterable<MailboxDelivery>,
  options: EventStreamOptions
): AsyncGenerator<Uint8Array, void> {
  const { signal, heartbeatMs, clock } = options
  const source = deliveries[Symbol.asyncIterator]()
  const leave = (): void => void source.return?.()
  signal.addEventListener('abort', leave, { once: true })
  if (signal.aborted) leave()
  try {
    yield OPENED
    let next = source.next()
    for (;;) {
      const got = await orBeat(next, heartbeatMs, clock)
      if (got === BEAT) {
        yield HEARTBEAT
        continue
      }
      if (got.done === true) break
      yield event('delivery', messageJson(got.value), got.value.msg_id)
      next = source.next()
    }
    yield signal.reason instanceof Problem ? failure(signal.reason, options) : event('end', { ok: true })
  } catch (error) {
    if (signal.reason instanceof Problem) yield failure(signal.reason, options)
    else if (!signal.aborted) yield failure(error, options)
  } finally {
    signal.removeEventListener('abort', leave)
    leave()
  }
}

function orBeat<T>(next: Promise<T>, ms: number, clock: CallParts['clock']): Promise<T | typeof BEAT> {
  const { promise, resolve, reject } = Promise.withResolvers<T | typeof BEAT>()
  const stop = clock.after(ms, () => resolve(BEAT))
  next.then(resolve, reject)
  return promise.finally(stop)
}

/** What a problem over HTTP says, since the status has left. */
function failure(error: unknown, { onError, requestId }: EventStreamOptions): Uint8Array {
  const problem = callProblem(error)
  if (problem === undefined) onError(error, requestId)
  const { code, message, headers } = problem ?? {
    code: 'internal',
    message: 'the node failed; its operator finds the cause by request_id',
    headers: {}
  }
  const retryAfter = (headers as Readonly<Record<string, string>>)['retry-after']
  const wait = retryAfter === undefined ? {} : { retry_after_sec: Number(retryAfter) }
  return event('error', { ok: false, error: code, message, request_id: requestId, ...wait })
}

/** JSON has no line feed, so each is one line of data. */
function event(name: string, data: object, id?: string): Uint8Array {
  const named = id === undefined ? '' : `id: ${id}\n`
  return utf8.encode(`event: ${name}\n${named}data: ${JSON.stringify(data)}\n\n`)
}
