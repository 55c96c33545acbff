import type { Cid } from './cid.ts'
import { varintBytes, writeVarint } from './varint.ts'

/** The map {roots: [link], version: 1} as DAG-CBOR, cut where the link stands. */
const BEFORE_LINK = Uint8Array.of(0xa2, 0x65, 0x72, 0x6f, 0x6f, 0x74, 0x73, 0x81, 0xd8, 0x2a)
const BEHIND_LINK = Uint8Array.of(0x67, 0x76, 0x65, 0x72, 0x73, 0x69, 0x6f, 0x6e, 0x01)
/** A byte string whose length stands in one byte behind its head, or in the head itself. */
const BYTES_OF_LENGTH = 0x58
const SHORT_BYTES = 0x40
const MOST_SHORT = 23
/** Links are binary content ids behind a zero. */
const LINK_PREFIX = 0

/** The begin of a CARv1 with one root, whose binary content id has at most 254 bytes. @see specs/storage.md, section 13.3 */
export function carHeader({ bytes: cid }: Pick<Cid, 'bytes'>): Uint8Array {
  const link = cid.length + 1
  const head = link <= MOST_SHORT ? [SHORT_BYTES | link] : [BYTES_OF_LENGTH, link]
  return section([BEFORE_LINK, head, [LINK_PREFIX], cid, BEHIND_LINK])
}

/** What stands in a CARv1 before the `length` bytes of a block. */
export function carBlockHead({ bytes: cid }: Pick<Cid, 'bytes'>, length: number): Uint8Array {
  const whole = cid.length + length
  const head = new Uint8Array(varintBytes(whole) + cid.length)
  head.set(cid, writeVarint(head, 0, whole))
  return head
}

function section(parts: readonly ArrayLike<number>[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  const bytes = new Uint8Array(varintBytes(length) + length)
  let at = writeVarint(bytes, 0, length)
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}
