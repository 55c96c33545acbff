import type { Connection, Stream, StreamHandler } from '@libp2p/interface'

/** What one peer may send to a handler of length-prefixed messages. */
export interface MessageBounds {
  readonly messageBytes: number
  /** A message counts one for each KiB that it has begun. */
  readonly atOnce: number
  readonly perSecond: number
}

/** Of the DHT: a question or a record needs a few hundred bytes, a member that announces 100,000 roots sends three a second. */
export const DHT_MESSAGES: MessageBounds = { messageBytes: 16_384, atOnce: 500, perSecond: 100 }

/** Bytes of a length that is no longer than 2^28 - 1: whatever is longer is too long. */
const LENGTH_BYTES = 4
const KIB = 1024

/**
 * A handler whose streams are reset at the length of a message that is too long, or of one more than their connection may
 * send, before any of it is kept. kad-dht itself takes 4 MiB of each of 32 streams of a peer, and works off what comes as
 * fast as it can.
 */
export function boundedMessages(
  handler: StreamHandler,
  bounds: MessageBounds = DHT_MESSAGES,
  nowMs: () => number = () => performance.now()
): StreamHandler {
  const allowances = new WeakMap<Connection, Allowance>()
  return (stream, connection) => {
    const allowance = allowances.get(connection) ?? new Allowance(bounds, nowMs)
    allowances.set(connection, allowance)
    watch(stream, bytes => {
      if (bytes > bounds.messageBytes) return `a message of more than ${bounds.messageBytes} bytes`
      return allowance.take(Math.ceil(bytes / KIB)) ? undefined : 'more messages than one peer may send'
    })
    return handler(stream, connection)
  }
}

/** How much may come, which grows with time up to what may come at once. */
class Allowance {
  readonly #bounds: MessageBounds
  readonly #nowMs: () => number
  #left: number
  #atMs: number

  constructor(bounds: MessageBounds, nowMs: () => number) {
    this.#bounds = bounds
    this.#nowMs = nowMs
    this.#left = bounds.atOnce
    this.#atMs = nowMs()
  }

  take(count: number): boolean {
    const { atOnce, perSecond } = this.#bounds
    const nowMs = this.#nowMs()
    this.#left = Math.min(atOnce, this.#left + ((nowMs - this.#atMs) * perSecond) / 1000)
    this.#atMs = nowMs
    if (this.#left < count) return false
    this.#left -= count
    return true
  }
}

/** Resets a stream at the first message of whose length `refusal` says something. */
function watch(stream: Stream, refusal: (bytes: number) => string | undefined): void {
  let skipped = 0
  let length = 0
  let read = 0
  const look = (bytes: Uint8Array): string | undefined => {
    for (let at = 0; at < bytes.length;) {
      if (skipped > 0) {
        const step = Math.min(skipped, bytes.length - at)
        skipped -= step
        at += step
        continue
      }
      const byte = bytes[at++]!
      length += (byte & 0x7f) * 2 ** (7 * read++)
      const isWhole = byte < 0x80
      if (!isWhole && read < LENGTH_BYTES) continue
      const why = refusal(isWhole ? length : Infinity)
      if (why !== undefined) return why
      skipped = length
      length = read = 0
    }
    return undefined
  }
  const onMessage = ({ data }: { readonly data: Uint8Array | { subarray(): Uint8Array } }): void => {
    const why = look(data.subarray())
    if (why === undefined) return
    stream.removeEventListener('message', onMessage)
    stream.abort(new Error(why))
  }
  stream.addEventListener('message', onMessage)
}
