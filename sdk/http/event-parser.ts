import { OapError } from '../../protocols/index.ts'
import { joinedBytes } from './exchange.ts'

const LF = 10
const CR = 13
const SPACE = 32
const COLON = 58
const utf8 = new TextDecoder()

/** One server-sent event; comments and empty ones are left out. */
export interface SentEvent {
  readonly event: string
  readonly data: Uint8Array
}

/**
 * Server-sent events out of bytes, however they are cut. An event, or a line, longer than `maxBytes` is refused: so much is
 * kept at most.
 */
export class EventParser {
  readonly #maxBytes: number
  #line: Uint8Array[] = []
  #event = ''
  #data: Uint8Array | undefined
  #kept = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** The events that end in this piece. @throws OapError `upstream` for one that is too long */
  push(piece: Uint8Array): SentEvent[] {
    const events: SentEvent[] = []
    let from = 0
    for (let at = piece.indexOf(LF); at !== -1; at = piece.indexOf(LF, from)) {
      this.#keep(piece.subarray(from, at))
      this.#ended(events)
      from = at + 1
    }
    if (from < piece.length) this.#keep(piece.subarray(from))
    return events
  }

  #keep(part: Uint8Array): void {
    this.#kept += part.length
    if (this.#kept > this.#maxBytes)
      throw new OapError('upstream', `an event is longer than ${this.#maxBytes} bytes`, { retryable: false })
    this.#line.push(part)
  }

  #ended(events: SentEvent[]): void {
    const length = this.#line.reduce((sum, part) => sum + part.length, 0)
    const line = joinedBytes(this.#line, length)
    this.#line = []
    const text = line.at(-1) === CR ? line.subarray(0, -1) : line
    if (text.length > 0) return this.#read(text)
    if (this.#data !== undefined) events.push({ event: this.#event, data: this.#data })
    this.#event = ''
    this.#data = undefined
    this.#kept = 0
  }

  #read(line: Uint8Array): void {
    const colon = line.indexOf(COLON)
    const name = utf8.decode(line.subarray(0, Math.min(colon === -1 ? line.length : colon, 16)))
    const value = colon === -1 ? line.subarray(line.length) : line.subarray(colon + 1)
    const bytes = value[0] === SPACE ? value.subarray(1) : value
    if (name === 'event') this.#event = utf8.decode(bytes)
    if (name === 'data')
      this.#data =
        this.#data === undefined
          ? bytes
          : joinedBytes([this.#data, LINE_FEED, bytes], this.#data.length + 1 + bytes.length)
    // A comment, or a member that means nothing here, is not kept.
    if (name !== 'event' && name !== 'data') this.#kept -= line.length
  }
}

const LINE_FEED = Uint8Array.of(LF)
