import { setTimeout as sleep } from 'node:timers/promises'
import { protocolLine } from './protocol-line.ts'
import type { RawStream } from './raw-stream.ts'
import type { YamuxLink } from './yamux-link.ts'

export const KAD = '/omnigate/main/kad/1.0.0'
const NEGOTIATED = Buffer.concat([protocolLine('/multistream/1.0.0'), protocolLine(KAD)])
const LOOK_MS = 10

/** Of kad-dht's messages. */
export const KAD_TYPE = { putValue: 0, addProvider: 2, findNode: 4 } as const

/** A stream of the DHT, written by hand. */
export class KadStream {
  readonly stream: RawStream
  #seen = 0

  constructor(link: YamuxLink) {
    this.stream = link.open()
    this.stream.reader = bytes => (this.#seen += bytes.length)
    this.stream.negotiate(KAD)
  }

  /** What a question gets: `answered`, or how the stream ended; `silence` when neither comes in time. */
  async fate(peer: Uint8Array, withinMs = 15_000): Promise<string> {
    const before = Math.max(this.#seen, NEGOTIATED.length)
    await this.stream.write(prefixed(kadMessage(KAD_TYPE.findNode, { key: peer })))
    for (const end = performance.now() + withinMs; performance.now() < end; await sleep(LOOK_MS)) {
      if (this.#seen > before) return 'answered'
      if (this.stream.ending !== 'open') return `stream ${this.stream.ending}`
    }
    return 'silence'
  }

  /** Whether the node speaks the DHT with this peer by now. */
  get isSpoken(): boolean {
    return this.#seen >= NEGOTIATED.length
  }
}

/** A message of the DHT: `provider` says to have `key`, at `addresses`. */
export function kadMessage(
  type: number,
  {
    key,
    provider,
    addresses = [],
    record
  }: {
    readonly key?: Uint8Array
    readonly provider?: Uint8Array
    readonly addresses?: readonly Uint8Array[]
    readonly record?: Uint8Array
  }
): Uint8Array {
  const named =
    provider && field(9, Buffer.concat([field(1, provider), ...addresses.map(address => field(2, address))]))
  return Buffer.concat([
    Uint8Array.of(0x08, type),
    ...(key === undefined ? [] : [field(2, key)]),
    ...(record === undefined ? [] : [field(3, record)]),
    ...(named === undefined ? [] : [named])
  ])
}

/** With its length before it. */
export const prefixed = (message: Uint8Array): Uint8Array => Buffer.concat([varint(message.length), message])

export const field = (number: number, bytes: Uint8Array): Uint8Array =>
  Buffer.concat([varint((number << 3) | 2), varint(bytes.length), bytes])

export function varint(value: number): Uint8Array {
  const bytes: number[] = []
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Uint8Array.from([...bytes, rest])
    bytes.push((rest % 128) | 0x80)
  }
}
