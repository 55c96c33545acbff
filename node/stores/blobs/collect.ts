import type { Level } from '../level.ts'
import { BlobError } from './blob-error.ts'
import type { BlockRow } from './block-row.ts'
import { nodeOf } from './dag.ts'
import type { Node } from './dag.ts'
import {
  KIND,
  blockKey,
  digestOf,
  expiryTime,
  garbageKey,
  lastHex,
  parentKey,
  rangeOf,
  tenantAndRoot
} from './keys.ts'
import type { Leases } from './leases.ts'
import type { Pace } from './pace.ts'
import type { BlockReader } from './reading.ts'
import { recordBytes } from './segments.ts'
import { keysOfRoot, takeRoot } from './tenant-roots.ts'
import type { Writer } from './writer.ts'

const ROWS_AT_ONCE = 128

export interface CollectParts {
  readonly level: Level
  readonly writer: Writer
  readonly reader: BlockReader
  readonly leases: Leases
  readonly pace: Pace
  readonly signal: AbortSignal | undefined
}

export interface Collected {
  readonly blocks: number
  readonly bytes: number
}

/** A block that nothing holds, with what it names if it holds that. */
interface Garbage {
  readonly hex: string
  readonly node: Node | undefined
}

const NOTHING: Collected = { blocks: 0, bytes: 0 }

/** Takes away blocks that nothing holds, and then those that they alone held. What is being read stays. */
export async function collect(parts: CollectParts): Promise<Collected> {
  let sum = NOTHING
  // What is left aside (read just now, or rotten) is not looked at again in this run; what comes up later is looked at next.
  for (let isMore = true; isMore;) {
    const round = await collectRound(parts)
    sum = add(sum, round)
    isMore = round.blocks > 0
  }
  return sum
}

async function collectRound(parts: CollectParts): Promise<Collected> {
  let sum = NOTHING
  for (let after = ''; ;) {
    const keys = await parts.level.keys({ ...rangeOf(KIND.garbage, '', after), limit: ROWS_AT_ONCE }).all()
    if (keys.length > 0) sum = add(sum, await collectSome(parts, keys.map(lastHex)))
    if (keys.length < ROWS_AT_ONCE) return sum
    after = lastHex(keys.at(-1)!)
    await parts.pace.rest(parts.signal)
  }
}

async function collectSome(parts: CollectParts, hexes: readonly string[]): Promise<Collected> {
  let sum = NOTHING
  const rows = await parts.level.getMany(hexes.map(blockKey))
  const leaves: Garbage[] = []
  for (const [i, hex] of hexes.entries()) {
    if (rows[i] === undefined) leaves.push({ hex, node: undefined })
    else {
      const garbage = await garbageOf(parts, hex)
      if (garbage?.node === undefined) {
        if (garbage !== undefined) leaves.push(garbage)
      } else sum = add(sum, await take(parts, [garbage]))
    }
  }
  return leaves.length === 0 ? sum : add(sum, await take(parts, leaves))
}

/** Undefined for a block that cannot be read, and so holds what it names until it is repaired. */
async function garbageOf({ reader }: CollectParts, hex: string): Promise<Garbage | undefined> {
  try {
    const [row] = await reader.rows([hex])
    if (row?.isWhole !== true) return { hex, node: undefined }
    const bytes = await reader.get({ codec: 'dag-pb', digest: digestOf(hex) })
    return { hex, node: bytes === undefined ? undefined : nodeOf(hex, bytes) }
  } catch (error) {
    if (error instanceof BlobError && (error.code === 'rotten' || error.code === 'bad_dag')) return undefined
    throw error
  }
}

function take({ writer, leases }: CollectParts, garbage: readonly Garbage[]): Promise<Collected> {
  return writer.commit({
    records: [],
    keys: garbage.flatMap(({ hex, node }) => [
      blockKey(hex),
      ...(node?.children ?? []).map(child => blockKey(child.hex))
    ]),
    apply(rows) {
      let sum = NOTHING
      for (const { hex, node } of garbage) {
        const row = rows.block(hex)
        // It may have come back since it was found.
        if (row === undefined || row.holds > 0) rows.del(garbageKey(hex))
        else if (!leases.has(hex) && row.isWhole === (node !== undefined)) {
          for (const child of node?.children ?? []) {
            rows.release(child.hex)
            if (row.isPublic) rows.del(parentKey(child.hex, hex))
          }
          sum = add(sum, gone(row))
          rows.dead.push(row)
          rows.del(blockKey(hex))
          rows.del(garbageKey(hex))
        }
      }
      return sum
    }
  })
}

/** Deletes roots whose time has come. Yields how many. */
export async function expire({ level, writer, pace, signal }: CollectParts, nowMs: number): Promise<number> {
  let expired = 0
  for (;;) {
    const keys = await level.keys({ ...rangeOf(KIND.expiry), limit: ROWS_AT_ONCE }).all()
    const due = keys.filter(key => expiryTime(key) <= nowMs).map(key => ({ key, ...tenantAndRoot(key) }))
    await Promise.all(
      due.map(({ key, tenant, root }) =>
        writer.commit({
          records: [],
          keys: [key, ...keysOfRoot(tenant, root)],
          apply(rows) {
            // It may have been pinned, or given another end, since it was found.
            if (!rows.has(key)) return
            takeRoot(rows, tenant, root)
            rows.del(key)
          }
        })
      )
    )
    expired += due.length
    if (due.length < ROWS_AT_ONCE) return expired
    await pace.rest(signal)
  }
}

const gone = ({ length }: BlockRow): Collected => ({ blocks: 1, bytes: recordBytes(length) })

const add = (a: Collected, b: Collected): Collected => ({
  blocks: a.blocks + b.blocks,
  bytes: a.bytes + b.bytes
})
