import { OapError, STORAGE_LIMITS, decodeFileNode } from '../../../protocols/index.ts'
import type { FileLink, FileNode } from '../../../protocols/index.ts'
import { BlobError } from './blob-error.ts'
import { blockKey, hexOf, holdKey, parentKey } from './keys.ts'
import { decodeHold, encodeHold, product, sum } from './hold-value.ts'
import type { Totals } from './hold-value.ts'
import type { BlockReader } from './reading.ts'
import type { Rows } from './rows.ts'
import type { BlobClass, BlockId } from './types.ts'
import type { Writer } from './writer.ts'

/** A block that a node names, how often it does, and how many bytes of content lie in it. */
export interface Child {
  readonly id: BlockId
  readonly hex: string
  readonly length: number
  readonly times: number
}

export interface Node {
  /** Bytes of content. */
  readonly length: number
  /** Each once. */
  readonly children: readonly Child[]
}

/** @throws BlobError `bad_dag` for what is no node of a file */
export function nodeOf(hex: string, bytes: Uint8Array): Node {
  const node = decoded(hex, bytes)
  const children = new Map<string, Child>()
  for (const { cid, length } of node.links) {
    const hex = hexOf(cid.digest)
    const key = hex + cid.codec
    const found = children.get(key)
    if (found !== undefined && found.length !== length) throw badDag(`${hex}: named with two lengths`)
    children.set(key, { id: cid, hex, length, times: (found?.times ?? 0) + 1 })
  }
  return { length: node.length, children: [...children.values()] }
}

/** What a node names, in its order. @throws BlobError `bad_dag` */
export const nodeLinksOf = (hex: string, bytes: Uint8Array): readonly FileLink[] => decoded(hex, bytes).links

function decoded(hex: string, bytes: Uint8Array): FileNode {
  try {
    return decodeFileNode(bytes)
  } catch (error) {
    if (!(error instanceof OapError)) throw error
    throw badDag(`${hex}: ${error.message}`, error)
  }
}

export interface WholeParts {
  readonly reader: BlockReader
  readonly writer: Writer
  readonly upload: string
  readonly class: BlobClass
  /** What the upload knows of one of its blocks. */
  readonly hold: (hex: string) => Promise<Uint8Array | undefined>
}

export interface Whole {
  readonly length: number
  readonly totals: Totals
}

/**
 * Has every node under `id` hold what it names, from the lowest up, so that the whole of it is there when this resolves. Every
 * block must be of this upload, whatever else the store has. May be run again. Memory grows with the depth alone.
 * @throws BlobError `bad_dag`
 */
export async function makeWhole(parts: WholeParts, id: BlockId, level = 1): Promise<Whole> {
  checkLevels(level)
  const hex = hexOf(id.digest)
  const found = await parts.hold(hex)
  if (found === undefined) throw badDag(`${hex} is missing`)
  const [row] = await parts.reader.rows([hex])
  if (row === undefined) throw badDag(`${hex} is missing`)
  if (id.codec === 'raw') return { length: row.length, totals: { levels: 1, blocks: 1, bytes: row.length } }
  const bytes = await parts.reader.get(id)
  if (bytes === undefined) throw badDag(`${hex} is missing`)
  const node = nodeOf(hex, bytes)
  const { totals } = decodeHold(found)
  if (totals !== undefined && (parts.class !== 'public' || row.isPublic))
    return { length: node.length, totals }
  for (const child of node.children) {
    if (child.id.codec === 'raw') continue
    const { length } = await makeWhole(parts, child.id, level + 1)
    if (length !== child.length) throw badDag(`${child.hex}: ${length} bytes, named with ${child.length}`)
  }
  return { length: node.length, totals: await parts.writer.commit(holding(parts, hex, node)) }
}

/** A node takes over what it names from the upload. */
function holding({ upload, class: blobClass }: WholeParts, hex: string, { children }: Node) {
  const own = holdKey(upload, hex)
  return {
    records: [],
    keys: [
      blockKey(hex),
      own,
      ...children.flatMap(child => [blockKey(child.hex), holdKey(upload, child.hex)])
    ],
    apply(rows: Rows): Totals {
      const node = rows.block(hex)
      const held = rows.get(own)
      if (node === undefined || held === undefined) throw badDag(`${hex} is missing`)
      const below = children.map(child => totalsOf(rows, upload, child))
      const totals = below.reduce<Totals>(
        (all, { levels, blocks, bytes }, i) => ({
          levels: Math.max(all.levels, levels + 1),
          blocks: sum(all.blocks, product(blocks, children[i]!.times)),
          bytes: sum(all.bytes, product(bytes, children[i]!.times))
        }),
        { levels: 1, blocks: 1, bytes: node.length }
      )
      checkLevels(totals.levels)
      for (const child of children) take(rows, upload, child, node.isWhole)
      if (blobClass === 'public') for (const child of children) rows.put(parentKey(child.hex, hex))
      rows.putBlock(hex, { ...node, isWhole: true, isPublic: node.isPublic || blobClass === 'public' })
      rows.put(own, encodeHold({ isHeld: decodeHold(held).isHeld, totals }))
      return totals
    }
  }
}

function totalsOf(rows: Rows, upload: string, { id, hex, length }: Child): Totals {
  const row = rows.block(hex)
  const held = rows.get(holdKey(upload, hex))
  if (row === undefined || held === undefined) throw badDag(`${hex} is missing`)
  if (id.codec === 'raw') {
    if (row.length !== length) throw badDag(`${hex}: ${row.length} bytes, named with ${length}`)
    return { levels: 1, blocks: 1, bytes: row.length }
  }
  const { totals } = decodeHold(held)
  if (totals === undefined) throw badDag(`${hex} is not whole`)
  return totals
}

function take(rows: Rows, upload: string, { hex }: Child, isTaken: boolean): void {
  const key = holdKey(upload, hex)
  const { isHeld, totals } = decodeHold(rows.get(key)!)
  // The upload's hold becomes the node's, unless that has one.
  if (isHeld && isTaken) rows.release(hex)
  if (!isHeld && !isTaken) rows.hold(hex)
  if (isHeld) rows.put(key, encodeHold({ isHeld: false, totals }))
}

function checkLevels(levels: number): void {
  if (levels > STORAGE_LIMITS.levels) throw badDag(`deeper than ${STORAGE_LIMITS.levels} levels`)
}

export const badDag = (what: string, cause?: unknown): BlobError =>
  new BlobError('bad_dag', `the blob: ${what}`, { cause })
