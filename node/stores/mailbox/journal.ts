import type { Level } from '../level.ts'
import type { BatchRow } from './batch.ts'
import { KIND, PREFIX, allOf, fromSortable, nameOf, row, sortable } from './keys.ts'
import { unseal, unsealJson } from './seal.ts'
import { WIDTH, addInto, none } from './tallies.ts'
import type { Numbers } from './tallies.ts'
import type { CorruptRow, MissingBatches } from './types.ts'

/** The counts on the disk are those after batch `batch`. */
export interface Checkpoint {
  readonly batch: number
  /** The first batch whose row is kept, also when the counts have it: see `KeptRows`. */
  readonly first: number
  /** The last id given by then. */
  readonly id?: string | undefined
}

/** What the rows of the batches since the last checkpoint tell. */
export interface Journal {
  readonly checkpoint: Checkpoint | undefined
  readonly lastBatch: number
  readonly lastId: string | undefined
  readonly replayed: number
  /** What they changed since the checkpoint, by topic. */
  readonly deltas: ReadonlyMap<string, Numbers>
  /** Batches that were there by what is there: by those around them, and by `mark`. */
  readonly missing: readonly MissingBatches[]
  readonly corrupt: readonly CorruptRow[]
}

export const CHECKPOINT_KEY = row(KIND.checkpoint)

/**
 * Whether the counts of the checkpoint and of the batches after it can be trusted. A store has a checkpoint from its
 * beginning, except while it is counted anew.
 */
export const isWhole = ({ checkpoint, missing, corrupt }: Journal): boolean =>
  missing.length === 0 && corrupt.length === 0 && checkpoint !== undefined

/** `mark`: a batch that is known to have been durable. Reads what was written last, however much is stored. */
export async function readJournal(level: Level, mark: number): Promise<Journal> {
  const corrupt: CorruptRow[] = []
  const missing: MissingBatches[] = []
  const deltas = new Map<string, Numbers>()
  const checkpoint = await readCheckpoint(level, corrupt)
  let lastBatch = checkpoint?.batch ?? 0
  let lastId = checkpoint?.id
  let replayed = 0
  let next = checkpoint?.first ?? 1
  const seen = (number: number): void => {
    if (number > next) missing.push({ from: next, to: number - 1 })
    next = number + 1
  }
  const counted = { gte: batchKey(next), lt: batchKey(lastBatch + 1) }
  for (const key of await level.keys(counted).all()) seen(numberOf(key))
  const rest = { gte: batchKey(lastBatch + 1), lt: allOf(KIND.batch).lt }
  for (const [key, bytes] of await level.iterator<string, Uint8Array>(rest).all()) {
    lastBatch = numberOf(key)
    seen(lastBatch)
    replayed++
    const batch = parseBatch(key, bytes)
    if (typeof batch === 'string') {
      corrupt.push({ key, detail: batch })
      continue
    }
    lastId = batch.id ?? lastId
    addDeltas(deltas, batch)
  }
  if (lastBatch >= next) missing.push({ from: next, to: lastBatch })
  if (mark > lastBatch) missing.push({ from: lastBatch + 1, to: mark })
  return { checkpoint, lastBatch, lastId, replayed, deltas, missing, corrupt }
}

async function readCheckpoint(level: Level, corrupt: CorruptRow[]): Promise<Checkpoint | undefined> {
  const bytes = await level.get(CHECKPOINT_KEY)
  if (bytes === undefined) return undefined
  const found = unsealJson<Checkpoint>(CHECKPOINT_KEY, bytes)
  if (found === undefined) corrupt.push({ key: CHECKPOINT_KEY, detail: 'the checksum is wrong' })
  return found
}

function parseBatch(key: string, bytes: Uint8Array): BatchRow | string {
  const payload = unseal(key, bytes)
  return typeof payload === 'string' ? payload : (JSON.parse(payload.toString()) as BatchRow)
}

function addDeltas(deltas: Map<string, Numbers>, { counts }: BatchRow): void {
  for (const [tenant, topic, ...numbers] of counts) {
    if (numbers.length !== WIDTH) continue
    const name = nameOf({ tenant, topic })
    const sum = deltas.get(name) ?? none()
    addInto(sum, numbers)
    deltas.set(name, sum)
  }
}

const numberOf = (key: string): number => fromSortable(key.slice(PREFIX.length + 1))

export const batchKey = (number: number): string => row(KIND.batch, sortable(number))

/** The batches that an earlier opening found missing. */
export async function knownLosses(level: Level): Promise<readonly (MissingBatches & { atMs: number })[]> {
  const rows = await level.iterator<string, Uint8Array>(allOf(KIND.loss)).all()
  return rows.flatMap(([key, bytes]) => unsealJson<MissingBatches & { atMs: number }>(key, bytes) ?? [])
}
