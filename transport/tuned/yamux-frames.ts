import { Uint8ArrayList } from 'uint8arraylist'
import type { Bytes } from './message-stream.ts'
import { isScattered, joined } from './scattered.ts'

export const HEADER_BYTES = 12
export const DATA = 0
export const WINDOW_UPDATE = 1

export interface FrameHeader {
  readonly type: number
  readonly flag: number
  readonly streamID: number
  readonly length: number
}

/** What a parser asks and tells: `wants` when a data header is whole, before any byte of its body is kept. */
export interface FrameSink {
  /** False lets the body pass without keeping it; throws when the length breaks the receive window. */
  wants(header: FrameHeader): boolean
  frame(header: FrameHeader, body: Bytes | undefined): void
}

/** Cuts a byte stream into yamux frames; a body that arrives whole is a view. Keeps at most one body. */
export class FrameParser {
  readonly #sink: FrameSink
  readonly #partialHeader = new Uint8Array(HEADER_BYTES)
  #headerBytes = 0
  #header: FrameHeader | undefined
  #body: Uint8ArrayList | undefined
  #pieces = 0
  #missing = 0

  constructor(sink: FrameSink) {
    this.#sink = sink
  }

  /** Bytes of a body that is not whole yet. */
  get keptBytes(): number {
    return this.#body?.byteLength ?? 0
  }

  push(data: Bytes): void {
    if (data instanceof Uint8Array) this.#take(data)
    else for (const piece of data) this.#take(piece)
  }

  #take(chunk: Uint8Array): void {
    let at = 0
    while (at < chunk.byteLength) {
      at = this.#header === undefined ? this.#readHeader(chunk, at) : this.#readBody(this.#header, chunk, at)
    }
  }

  #readHeader(chunk: Uint8Array, at: number): number {
    const missing = HEADER_BYTES - this.#headerBytes
    if (missing === HEADER_BYTES && chunk.byteLength - at >= HEADER_BYTES) {
      this.#begin(decodeHeader(chunk, at))
      return at + HEADER_BYTES
    }
    const end = Math.min(at + missing, chunk.byteLength)
    this.#partialHeader.set(chunk.subarray(at, end), this.#headerBytes)
    this.#headerBytes += end - at
    if (this.#headerBytes === HEADER_BYTES) {
      this.#headerBytes = 0
      this.#begin(decodeHeader(this.#partialHeader, 0))
    }
    return end
  }

  #begin(header: FrameHeader): void {
    if (header.type !== DATA) return this.#sink.frame(header, undefined)
    const wanted = this.#sink.wants(header)
    if (header.length > 0) {
      this.#header = header
      this.#missing = header.length
      this.#body = wanted ? new Uint8ArrayList() : undefined
      this.#pieces = 0
    } else if (wanted) {
      this.#sink.frame(header, new Uint8Array(0))
    }
  }

  #readBody(header: FrameHeader, chunk: Uint8Array, at: number): number {
    const end = Math.min(at + this.#missing, chunk.byteLength)
    const body = this.#body
    this.#missing -= end - at
    if (this.#missing > 0) {
      if (body !== undefined) this.#keep(body, chunk.subarray(at, end))
      return end
    }
    this.#header = undefined
    this.#body = undefined
    if (body === undefined) return end
    const last = chunk.subarray(at, end)
    if (body.byteLength > 0) body.append(last)
    this.#sink.frame(header, body.byteLength > 0 ? body : last)
    return end
  }

  #keep(body: Uint8ArrayList, piece: Uint8Array): void {
    body.append(piece)
    if (!isScattered(++this.#pieces, body.byteLength)) return
    this.#body = new Uint8ArrayList(joined(body))
    this.#pieces = 1
  }
}

export function encodeHeader({ type, flag, streamID, length }: FrameHeader): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES)
  bytes[1] = type
  bytes[2] = flag >>> 8
  bytes[3] = flag
  writeUint32(bytes, 4, streamID)
  writeUint32(bytes, 8, length)
  return bytes
}

function decodeHeader(bytes: Uint8Array, at: number): FrameHeader {
  if (bytes[at] !== 0) throw new RangeError(`yamux version ${bytes[at]} is not 0`)
  return {
    type: bytes[at + 1]!,
    flag: (bytes[at + 2]! << 8) | bytes[at + 3]!,
    streamID: readUint32(bytes, at + 4),
    length: readUint32(bytes, at + 8)
  }
}

function readUint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
}

function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24
  bytes[at + 1] = value >>> 16
  bytes[at + 2] = value >>> 8
  bytes[at + 3] = value
}
