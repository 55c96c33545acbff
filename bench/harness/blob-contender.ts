import type { EchoServer } from './echo-contender.ts'

/** What a file exports that takes part in P3: the side that has a blob, and the one that reads it. */
export interface BlobEnds {
  /** Has the blob ready when it resolves. */
  readonly listen: (options: BlobOptions) => Promise<EchoServer>
  readonly dial: (address: string, options: BlobOptions) => Promise<BlobClient>
}

export interface BlobOptions {
  readonly bytes: number
  readonly encryption: 'noise' | 'tls'
  /** Path of a foreign program that both sides start, when they need one. */
  readonly program?: string
}

export interface BlobClient {
  /** Foreign processes that work for this client; their CPU time counts as its own. */
  readonly helpers?: readonly number[]
  /** What a reading needs and is none of it: called before each. */
  prepare?(): Promise<void>
  /** Reads all of the blob and yields how many bytes came. */
  read(): Promise<number>
  /** Yields the milliseconds until the first bytes of the blob were there, without opening a connection. */
  first?(): Promise<number>
  close(): unknown
}

export interface BlobContender {
  readonly name: string
  readonly ends: URL
  readonly encryption: 'noise' | 'tls'
  /** Makes ready what the contender needs, and yields the path of its program; throws `NotAvailable` when it cannot be had. */
  readonly prepare?: () => Promise<string | undefined>
}

const PIECE_BYTES = 65_536

/** Pieces of a blob in which no 64 KiB are like any others, and nothing can be compressed. */
export function* blobPieces(bytes: number): Generator<Uint8Array> {
  const noise = new Uint8Array(PIECE_BYTES)
  for (let i = 0, x = 1; i < noise.length; i++) {
    x = (Math.imul(x, 1_664_525) + 1_013_904_223) >>> 0
    noise[i] = x >>> 24
  }
  for (let at = 0; at < bytes; at += PIECE_BYTES) {
    const piece = noise.slice(0, Math.min(PIECE_BYTES, bytes - at))
    new DataView(piece.buffer).setUint32(0, at / PIECE_BYTES)
    yield piece
  }
}
