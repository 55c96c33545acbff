import type { BlockId, Codec, SharedClass } from './types.ts'

/**
 * Where rows lie: all keys are ASCII and begin with a letter for the kind of row. Digests are in hexadecimal, so that keys
 * sort as digests do. A tenant is divided from what follows by NUL, so that no range of one reaches into another.
 */
export const KIND = {
  /** A block: where its bytes are, and how much holds it. */
  block: 'b',
  /** A root of a tenant. */
  root: 't',
  /** A root that is public or federated, whoever's it is. What is private has no such row. */
  shared: 'c',
  /** What a tenant has. */
  usage: 'u',
  /** An upload that is open or suspended. */
  upload: 'o',
  /** A block that an upload has, or that a `put` of its own holds. */
  hold: 'p',
  /** Which upload goes on with a root. */
  resume: 'q',
  /** An upload that is over, and whose holds are still there. */
  over: 'z',
  /** A block that nothing held when the row was written. */
  garbage: 'g',
  segment: 's',
  /** Which node of a public DAG names a block. */
  parent: 'v',
  /** When a root that is not pinned goes. */
  expiry: 'x',
  scrub: 'k'
} as const

export type Kind = (typeof KIND)[keyof typeof KIND]

const LAST = '\uffff'
const NUL = '\0'
const HEX = 64
const TIME_DIGITS = 12
const SEGMENT_DIGITS = 8
const CODEC_LETTER: Readonly<Record<Codec, string>> = { raw: 'r', 'dag-pb': 'd' }
// With ASCII alone, text sorts as its bytes do.
const TENANT = /^[\x20-\x7e]{1,255}$/

/** Of a hold that no upload has. */
export const LOOSE = 'loose'

export interface Range {
  readonly gt: string
  readonly lt: string
}

/** All rows of a kind that begin so, behind `after`. */
export const rangeOf = (kind: Kind, start = '', after = ''): Range => ({
  gt: kind + start + after,
  lt: kind + start + LAST
})

export const hexOf = (digest: Uint8Array): string =>
  Buffer.from(digest.buffer, digest.byteOffset, digest.byteLength).toString('hex')

export const digestOf = (hex: string): Uint8Array => Buffer.from(hex, 'hex')

/** A root in a key: the digest, then the codec. */
export const rootText = ({ codec, digest }: BlockId): string => hexOf(digest) + CODEC_LETTER[codec]

export const rootOf = (text: string): BlockId => ({
  codec: text[HEX] === CODEC_LETTER.raw ? 'raw' : 'dag-pb',
  digest: digestOf(text.slice(0, HEX))
})

/** @throws RangeError for what cannot be part of a key. */
export function checkTenant(tenant: string): string {
  if (!TENANT.test(tenant)) throw new RangeError('a tenant is 1 to 255 printable characters of ASCII')
  return tenant
}

export const blockKey = (hex: string): string => KIND.block + hex
export const rootKey = (tenant: string, root: BlockId): string => KIND.root + tenant + NUL + rootText(root)
export const rootsOf = (tenant: string, after?: BlockId): Range =>
  rangeOf(KIND.root, tenant + NUL, after === undefined ? '' : rootText(after))
export const sharedKey = (blobClass: SharedClass, root: BlockId): string =>
  KIND.shared + blobClass[0]! + rootText(root)
export const usageKey = (tenant: string): string => KIND.usage + tenant
export const uploadKey = (upload: string): string => KIND.upload + upload
export const overKey = (upload: string): string => KIND.over + upload
export const holdKey = (holder: string, hex: string): string => KIND.hold + holder + NUL + hex
export const holdsOf = (holder: string): Range => rangeOf(KIND.hold, holder + NUL)
export const resumeKey = (tenant: string, root: BlockId): string =>
  KIND.resume + tenant + NUL + rootText(root)
export const garbageKey = (hex: string): string => KIND.garbage + hex
export const parentKey = (child: string, parent: string): string => KIND.parent + child + parent
export const segmentKey = (segment: number): string =>
  KIND.segment + segment.toString(16).padStart(SEGMENT_DIGITS, '0')
export const expiryKey = (atMs: number, tenant: string, root: BlockId): string =>
  KIND.expiry + atMs.toString(16).padStart(TIME_DIGITS, '0') + tenant + NUL + rootText(root)
export const SCRUB_KEY = KIND.scrub

/** The digest at the end of a key. */
export const lastHex = (key: string): string => key.slice(-HEX)

export const segmentOf = (key: string): number => Number.parseInt(key.slice(1), 16)

/** A tenant and a root, from the key of a root, of what goes on with one, or of an expiry. */
export function tenantAndRoot(key: string): { readonly tenant: string; readonly root: BlockId } {
  const start = key[0] === KIND.expiry ? 1 + TIME_DIGITS : 1
  const cut = key.indexOf(NUL)
  return { tenant: key.slice(start, cut), root: rootOf(key.slice(cut + 1)) }
}

export const expiryTime = (key: string): number => Number.parseInt(key.slice(1, 1 + TIME_DIGITS), 16)
