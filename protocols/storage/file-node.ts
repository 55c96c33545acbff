import { OapError } from '../errors.ts'
import { CID_BYTES, parseCid } from './cid.ts'
import type { Cid } from './cid.ts'
import { contentFault } from './faults.ts'
import { STORAGE_LIMITS } from './limits.ts'
import { readVarint, varintBytes, writeVarint } from './varint.ts'

/** A child as its parent names it. */
export interface FileLink {
  readonly cid: Cid
  /** Plain bytes below it, 1 or more. */
  readonly length: number
}

/** An interior node of a blob: its children in the order of their bytes. */
export interface FileNode {
  /** Plain bytes below it. */
  readonly length: number
  readonly links: readonly FileLink[]
}

/** A child, and how many bytes of blocks it and what lies below it have: what other tools call the size of its tree. */
export interface WrittenLink extends FileLink {
  readonly treeBytes: number
}

const PB_DATA = 0x0a
const PB_LINKS = 0x12
const LINK_HASH = 0x0a
const LINK_NAME = 0x12
const LINK_TSIZE = 0x18
const FS_TYPE = 0x08
const FS_FILESIZE = 0x18
const FS_BLOCKSIZE = 0x20
const FILE = 2

/**
 * Reads a DAG-PB block that holds a UnixFS file without bytes of its own, strictly.
 * Throws `bad_node` for any other block, `bad_lengths` where the lengths of the children do not add up to the node's.
 * @see specs/storage.md, section 2.2
 */
export function decodeFileNode(bytes: Uint8Array): FileNode {
  if (bytes.length > STORAGE_LIMITS.nodeBytes) throw bad(`${bytes.length} bytes`)
  const cids: Cid[] = []
  let at = 0
  while (bytes[at] === PB_LINKS) {
    if (cids.length === STORAGE_LIMITS.links) throw bad(`more than ${STORAGE_LIMITS.links} links`)
    const link = field(bytes, at + 1, bytes.length)
    cids.push(linkOf(bytes, link.from, link.to))
    at = link.to
  }
  if (bytes[at] !== PB_DATA) throw bad('a field that is neither a link nor the data behind the links')
  const data = field(bytes, at + 1, bytes.length)
  if (data.to !== bytes.length) throw bad('bytes follow the data')
  return fileOf(bytes, data.from, cids)
}

/** The same block as other tools write it. Throws RangeError for no links, too many, or an empty one. */
export function encodeFileNode(links: readonly WrittenLink[]): Uint8Array {
  if (links.length < 1 || links.length > STORAGE_LIMITS.links) throw new RangeError(`${links.length} links`)
  let length = 0
  let linkBytes = 0
  let sizeBytes = 0
  for (const link of links) {
    if (link.length < 1) throw new RangeError('an empty child')
    length += link.length
    const inner = bytesOfLink(link)
    linkBytes += 1 + varintBytes(inner) + inner
    sizeBytes += 1 + varintBytes(link.length)
  }
  const dataBytes = 2 + 1 + varintBytes(length) + sizeBytes
  const bytes = new Uint8Array(linkBytes + 1 + varintBytes(dataBytes) + dataBytes)
  let at = 0
  for (const link of links) at = writeLink(bytes, at, link)
  bytes[at++] = PB_DATA
  at = writeVarint(bytes, at, dataBytes)
  bytes[at++] = FS_TYPE
  bytes[at++] = FILE
  bytes[at++] = FS_FILESIZE
  at = writeVarint(bytes, at, length)
  for (const link of links) {
    bytes[at++] = FS_BLOCKSIZE
    at = writeVarint(bytes, at, link.length)
  }
  return bytes
}

const bytesOfLink = ({ treeBytes }: WrittenLink): number => 2 + CID_BYTES + 2 + 1 + varintBytes(treeBytes)

function writeLink(bytes: Uint8Array, from: number, link: WrittenLink): number {
  let at = from
  bytes[at++] = PB_LINKS
  at = writeVarint(bytes, at, bytesOfLink(link))
  bytes[at++] = LINK_HASH
  bytes[at++] = CID_BYTES
  bytes.set(link.cid.bytes, at)
  at += CID_BYTES
  bytes[at++] = LINK_NAME
  bytes[at++] = 0
  bytes[at++] = LINK_TSIZE
  return writeVarint(bytes, at, link.treeBytes)
}

/** Hash, then a name that is empty, then the size of the tree, which proves nothing and is not looked at. */
function linkOf(bytes: Uint8Array, from: number, to: number): Cid {
  if (bytes[from] !== LINK_HASH) throw bad('a link without a hash in front')
  const hash = field(bytes, from + 1, to)
  let at = hash.to
  if (at < to && bytes[at] === LINK_NAME) {
    const name = field(bytes, at + 1, to)
    if (name.to !== name.from) throw bad('a link with a name')
    at = name.to
  }
  if (at < to && bytes[at] === LINK_TSIZE) at = number(bytes, at + 1, to).end
  if (at !== to) throw bad('a link with further fields')
  return childOf(bytes.subarray(hash.from, hash.to))
}

function childOf(bytes: Uint8Array): Cid {
  try {
    return parseCid(bytes)
  } catch (error) {
    if (error instanceof OapError) throw bad(`a link: ${error.message}`)
    throw error
  }
}

/** Type, length of the file, and one length for each link. */
function fileOf(bytes: Uint8Array, from: number, cids: readonly Cid[]): FileNode {
  const to = bytes.length
  if (bytes[from] !== FS_TYPE || bytes[from + 1] !== FILE || from + 2 > to) throw bad('it is no file')
  if (bytes[from + 2] !== FS_FILESIZE) throw bad('no length behind the type')
  const { value: length, end } = number(bytes, from + 3, to)
  const links: FileLink[] = []
  let at = end
  let sum = 0
  while (at < to && bytes[at] === FS_BLOCKSIZE) {
    const size = number(bytes, at + 1, to)
    const cid = cids[links.length]
    if (cid === undefined) throw lengths('more lengths than links')
    if (size.value === 0) throw lengths('an empty child')
    links.push({ cid, length: size.value })
    sum += size.value
    at = size.end
  }
  if (at !== to) throw bad('the data has further fields')
  if (links.length !== cids.length) throw lengths('fewer lengths than links')
  if (sum !== length || sum > Number.MAX_SAFE_INTEGER)
    throw lengths(`the children have ${sum} bytes, the node says ${length}`)
  if (links.length === 0) throw bad('it has no links')
  return { length, links }
}

function field(bytes: Uint8Array, at: number, limit: number): { readonly from: number; readonly to: number } {
  const { value, end } = number(bytes, at, limit)
  if (value > limit - end) throw bad('a field is cut off')
  return { from: end, to: end + value }
}

function number(
  bytes: Uint8Array,
  at: number,
  limit: number
): { readonly value: number; readonly end: number } {
  const found = readVarint(bytes, at, limit)
  if (found === undefined) throw bad('a number is cut off, too large, or not in its shortest form')
  return found
}

const bad = (what: string): OapError => contentFault('bad_node', `a node of the blob: ${what}`)

const lengths = (what: string): OapError => contentFault('bad_lengths', `a node of the blob: ${what}`)
