import { randomBytes } from 'node:crypto'
import { zstdCompressSync } from 'node:zlib'

const MIB = 1_048_576
const MAGIC = Buffer.from('28b52ffd', 'hex')
const small = (): Buffer => zstdCompressSync(Buffer.from('a small body that says nothing'))

/** A zstd frame of one empty last block behind the header bytes given. */
const emptyFrame = (...header: number[]): Buffer => Buffer.concat([MAGIC, Buffer.from([...header, 1, 0, 0])])

/** Mostly zeros and some noise, so that it shrinks to about a ninth. */
function shrinksToANinth(bytes: number): Buffer {
  const body = Buffer.alloc(bytes)
  for (let at = 0; at < bytes; at += 8192) randomBytes(900).copy(body, at)
  return zstdCompressSync(body)
}

/** zstd bodies that a node must refuse, each for one reason of its own. */
export const BOMBS = {
  ratio: () => zstdCompressSync(Buffer.alloc(64 * MIB)),
  size: () => shrinksToANinth(8 * MIB + 262_144),
  window: () => emptyFrame(0, 0x70),
  contentSize: () => emptyFrame(0xe0, 0, 0, 0, 0, 0, 0, 0, 0x80),
  trailing: () => Buffer.concat([small(), Buffer.from([0])]),
  twice: () => Buffer.concat([small(), small()]),
  truncated: () => small().subarray(0, -1),
  skippable: () => Buffer.from('502a4d1801000000ff', 'hex'),
  dictionary: () => emptyFrame(0x21, 7, 0),
  /** Raw blocks of one byte each, with a last one that lies about its length. */
  blocks: () =>
    Buffer.concat([
      MAGIC,
      Buffer.from([0, 0x58]),
      ...Array.from({ length: 60_000 }, () => Buffer.from([8, 0, 0, 65])),
      Buffer.from([0xff, 0xff, 0xff])
    ]),
  /** Inflates to a zstd frame that would inflate to 64 MiB; a node that inflates once sees the outer ratio alone. */
  inner: () => zstdCompressSync(zstdCompressSync(Buffer.alloc(64 * MIB))),
  part: () => shrinksToANinth(2 * MIB)
}
