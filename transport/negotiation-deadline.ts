import type { Libp2p, Stream, StreamMuxer, StreamMuxerEvents } from '@libp2p/interface'

type EventName = keyof StreamMuxerEvents

/**
 * A muxer's event of a new stream. A literal would read as the operation of that name, which code below sessions may not
 * know.
 */
const [NEW_STREAM] = Object.keys({ stream: true } satisfies Record<EventName, true>) as [EventName]

/** What libp2p 3.3.11 keeps in a connection without a public name. */
interface ConnectionInnards {
  readonly muxer?: StreamMuxer
  /** Yields a promise of the end of the negotiation. */
  readonly onIncomingStream?: (event: CustomEvent<Stream>) => unknown
}

/**
 * Has the deadline for the negotiation of an inbound stream end with the negotiation. libp2p takes it from
 * `AbortSignal.timeout`, which cannot be taken back: what hangs on such a signal outlives its stream until V8 marks the
 * whole heap, so that a flood of streams makes a node keep many that are long gone.
 */
export function endNegotiationDeadlines(node: Libp2p): void {
  node.addEventListener('connection:open', ({ detail: connection }) => {
    const { muxer, onIncomingStream } = connection as unknown as ConnectionInnards
    if (muxer === undefined || onIncomingStream === undefined) return
    muxer.removeEventListener(NEW_STREAM, onIncomingStream)
    muxer.addEventListener(NEW_STREAM, event => endingDeadlines(() => onIncomingStream(event)))
  })
}

/** Ends the deadlines that `accept` takes from `AbortSignal.timeout` before it first waits, once it has settled. */
export function endingDeadlines(accept: () => unknown): void {
  const timers: NodeJS.Timeout[] = []
  const end = (): void => timers.forEach(timer => clearTimeout(timer))
  const stock = Object.getOwnPropertyDescriptor(AbortSignal, 'timeout')!
  const value = (ms: number): AbortSignal => {
    const late = new AbortController()
    const told = (): void => late.abort(new DOMException('The operation timed out', 'TimeoutError'))
    timers.push(setTimeout(told, ms).unref())
    return late.signal
  }
  Object.defineProperty(AbortSignal, 'timeout', { ...stock, value })
  try {
    Promise.resolve(accept()).then(end, end)
  } finally {
    Object.defineProperty(AbortSignal, 'timeout', stock)
  }
}
