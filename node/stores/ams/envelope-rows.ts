import type { StatusRecord } from '../../ams/status.ts'
import { rowBytes } from './fill.ts'
import type { Rows } from './group-writes.ts'
import { NUMBERS, envelopeKey, latestKey, threadKey, updateKey } from './keys.ts'
import type { KeptEnvelope, StoredEnvelope, Thread } from './types.ts'

/** What keys of a record, and a thread with all but its name, take at most. */
export const KEYS_BYTES = 64
const THREAD_BYTES = 512

/** The last numbers that were given out, of envelopes and of changes of threads. */
export interface Numbers {
  readonly place: number
  readonly update: number
}

export const NO_NUMBERS: Numbers = { place: 0, update: 0 }

/** What an envelope takes with its indexes and its thread, without its records. */
export const bytesOf = ({ immutable, sha256, proofs, origin, isRedacted }: KeptEnvelope): number => {
  const { id, thread = '', from = '', to = '' } = immutable
  const row = rowBytes({ immutable, sha256, proofs, origin, isRedacted })
  return row + 2 * Buffer.byteLength(id + from + to) + 4 * Buffer.byteLength(thread) + THREAD_BYTES
}

/** An envelope with where it stands; undefined where either is not whole. */
export async function stored(
  rows: Pick<Rows, 'get'>,
  place: number | undefined
): Promise<StoredEnvelope | undefined> {
  if (place === undefined) return undefined
  const kept = await rows.get<KeptEnvelope>(envelopeKey(place))
  const latest = await rows.get<StatusRecord>(latestKey(place))
  return kept === undefined || latest === undefined ? undefined : { ...kept, place, latest }
}

/** The thread of an envelope as its newest record leaves it; `before` is the one before that, if it is not the first. */
export async function noteThread(
  rows: Rows,
  { immutable, latest: record }: StoredEnvelope,
  before: StatusRecord | undefined
): Promise<void> {
  const { thread: name, type, from, to } = immutable
  if (name === undefined) return
  const numbers = (await rows.get<Numbers>(NUMBERS)) ?? NO_NUMBERS
  const update = numbers.update + 1
  rows.put(NUMBERS, { ...numbers, update })
  const known = await rows.get<Thread>(threadKey(name))
  if (known !== undefined) rows.remove(updateKey(known.update))
  const statuses = { ...known?.statuses, [record.status]: (known?.statuses[record.status] ?? 0) + 1 }
  if (before !== undefined) statuses[before.status] = (statuses[before.status] ?? 1) - 1
  const isNew = before === undefined
  const thread: Thread = {
    thread: name,
    created_at: known?.created_at ?? record.at,
    updated_at: record.at,
    count: (known?.count ?? 0) + (isNew ? 1 : 0),
    last_type: isNew ? type : (known?.last_type ?? type),
    last_from: isNew ? from : known?.last_from,
    last_to: isNew ? to : known?.last_to,
    statuses,
    update
  }
  rows.put(threadKey(name), thread)
  rows.put(updateKey(update), name)
}

/** The thread of an envelope that is there no more. */
export async function leaveThread(rows: Rows, { immutable, latest }: StoredEnvelope): Promise<void> {
  const { thread: name } = immutable
  const known = name === undefined ? undefined : await rows.get<Thread>(threadKey(name))
  if (known === undefined) return
  if (known.count > 1) {
    const { [latest.status]: had = 1, ...others } = known.statuses
    const statuses = had > 1 ? { ...others, [latest.status]: had - 1 } : others
    return rows.put(threadKey(known.thread), { ...known, count: known.count - 1, statuses })
  }
  rows.remove(threadKey(known.thread))
  rows.remove(updateKey(known.update))
}
