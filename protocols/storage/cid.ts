import { OapError } from '../errors.ts'
import { base32Bytes, base32Text } from './base32.ts'
import { STORAGE_LIMITS } from './limits.ts'
import { readVarint } from './varint.ts'

/** What a block holds: bytes of the blob, or a node that links to further blocks. */
export type BlockCodec = 'raw' | 'dag-pb'

/** A content id: version 1, SHA-256. */
export interface Cid {
  readonly codec: BlockCodec
  /** 32 bytes. */
  readonly digest: Uint8Array
  /** The 36 bytes of the binary form, of which `digest` is a view. */
  readonly bytes: Uint8Array
}

const VERSION = 1
const SHA2_256 = 0x12
export const DIGEST_BYTES = 32
export const CID_BYTES = 4 + DIGEST_BYTES

const CODECS: Readonly<Record<number, BlockCodec>> = { 0x55: 'raw', 0x70: 'dag-pb' }
const CODE_OF: Readonly<Record<BlockCodec, number>> = { raw: 0x55, 'dag-pb': 0x70 }

/** A CID of version 0 in base 58, which other tools still print. */
const VERSION_0 = /^Qm[1-9A-HJ-NP-Za-km-z]{44}$/

/**
 * The content id in its text or binary form, of which it keeps a view.
 * Throws `bad_cid` for what is no CID, `unsupported_cid` for one of another version, codec or hash.
 * @see specs/storage.md, section 2.1
 */
export const parseCid = (from: string | Uint8Array): Cid => {
  if (typeof from !== 'string') return readCid(from)
  if (from.length > STORAGE_LIMITS.cidTextBytes)
    throw badCid(`at most ${STORAGE_LIMITS.cidTextBytes} characters`)
  if (VERSION_0.test(from)) throw unsupported('version 0; version 1 in base 32 was expected')
  const bytes = from.startsWith('b') ? base32Bytes(from.slice(1)) : undefined
  if (bytes === undefined) throw badCid('b and base 32 in lower case, without padding, were expected')
  return readCid(bytes)
}

/** The one text form of a content id: `b` and base 32 in lower case, 59 characters. */
export const cidText = ({ bytes }: Pick<Cid, 'bytes'>): string => `b${base32Text(bytes)}`

/** The content id of a block whose SHA-256 is `digest`. */
export function cidOf(codec: BlockCodec, digest: Uint8Array): Cid {
  if (digest.length !== DIGEST_BYTES) throw badCid(`a digest of ${digest.length} bytes`)
  const bytes = new Uint8Array(CID_BYTES)
  bytes.set([VERSION, CODE_OF[codec], SHA2_256, DIGEST_BYTES])
  bytes.set(digest, CID_BYTES - DIGEST_BYTES)
  return { codec, digest: bytes.subarray(CID_BYTES - DIGEST_BYTES), bytes }
}

/** Whether `text` is the text form of a content id that we take. */
export function isCid(text: string): boolean {
  try {
    parseCid(text)
    return true
  } catch {
    return false
  }
}

function readCid(bytes: Uint8Array): Cid {
  // Nearly all that is read has these four bytes in front: links of nodes, and what was text.
  const codec = CODECS[bytes[1] ?? 0]
  if (bytes.length === CID_BYTES && codec !== undefined && hasOurPrefix(bytes))
    return { codec, digest: bytes.subarray(CID_BYTES - DIGEST_BYTES), bytes }
  throw refusalOf(bytes)
}

const hasOurPrefix = (bytes: Uint8Array): boolean =>
  bytes[0] === VERSION && bytes[2] === SHA2_256 && bytes[3] === DIGEST_BYTES

/** What is wrong with it: its form is judged before what it asks for. */
function refusalOf(bytes: Uint8Array): OapError {
  if (bytes.length === 2 + DIGEST_BYTES && bytes[0] === SHA2_256 && bytes[1] === DIGEST_BYTES)
    return unsupported('version 0; version 1 was expected')
  const numbers: number[] = []
  let at = 0
  while (numbers.length < 4) {
    const next = readVarint(bytes, at)
    if (next === undefined) return badCid('it is cut off, or has a number that is not in its shortest form')
    numbers.push(next.value)
    at = next.end
    // What follows another version may have any form.
    if (numbers[0] !== VERSION) return unsupported(`version ${numbers[0]}; version 1 was expected`)
  }
  const [, codec = 0, hash, length] = numbers
  if (length !== bytes.length - at) return badCid('the digest is not as long as it says')
  if (CODECS[codec] === undefined)
    return unsupported(`codec 0x${codec.toString(16)}; raw or dag-pb was expected`)
  return unsupported(`hash 0x${hash?.toString(16)} of ${length} bytes; sha2-256 of 32 was expected`)
}

const badCid = (what: string): OapError => new OapError('bad_request', `cid: ${what}`, { code: 'bad_cid' })

const unsupported = (what: string): OapError =>
  new OapError('bad_request', `cid: ${what}`, { code: 'unsupported_cid' })
