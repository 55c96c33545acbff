import { createHash } from 'node:crypto'
import { within } from './child.ts'

const BODY_MS = 60_000

/** Bytes that differ from place to place, the same in every run. */
export function sampleBytes(length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let i = 0, x = 7; i < length; i++) {
    x = (Math.imul(x, 1_103_515_245) + 12_345) >>> 0
    bytes[i] = x >>> 16
  }
  return bytes
}

export function* inPieces(bytes: Uint8Array, length: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length)
}

/** Reads a body to its end and gives its length and digest. */
export function digestOf(body: AsyncIterable<Uint8Array>): Promise<{ length: number; sha256: string }> {
  return within(BODY_MS, 'the end of a body', readAll(body))
}

async function readAll(body: AsyncIterable<Uint8Array>): Promise<{ length: number; sha256: string }> {
  const hash = createHash('sha256')
  let length = 0
  for await (const piece of body) {
    hash.update(piece)
    length += piece.length
  }
  return { length, sha256: hash.digest('hex') }
}
