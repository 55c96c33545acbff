import { redactedRecord } from '../../ams/status.ts'
import type { StatusRecord } from '../../ams/status.ts'
import { KEYS_BYTES, bytesOf, leaveThread, stored } from './envelope-rows.ts'
import { rowBytes } from './fill.ts'
import type { Rows } from './group-writes.ts'
import {
  INDEXES,
  envelopeKey,
  indexKey,
  latestKey,
  leavingKey,
  placeKey,
  recordKey,
  restKey
} from './keys.ts'
import type { IndexName } from './keys.ts'
import type { StoredEnvelope } from './types.ts'

/** Records of one envelope that are removed, or redacted, in one write. */
const RECORDS_AT_ONCE = 128
/** Chains up to it go with their envelope. */
const SHORT_CHAIN = 8

/** Records of an envelope that is gone, or was redacted, of which some are still as they were. */
interface Rest {
  readonly is: 'gone' | 'redacted'
  readonly next: number
  readonly last: number
}

/**
 * Takes an envelope away with its indexes, its place in its thread and its records, of which those of a long chain are left to
 * `tidy`; nothing where it is not as it was read. Yields the bytes that it gives back at once.
 */
export async function removeEnvelope(rows: Rows, { place, latest: read }: StoredEnvelope): Promise<number> {
  const known = await stored(rows, place)
  if (known === undefined || known.latest.n !== read.n) return 0
  const { immutable, latest } = known
  rows.remove(envelopeKey(place))
  rows.remove(latestKey(place))
  rows.remove(leavingKey(place))
  if ((await rows.get<number>(placeKey(immutable.id))) === place) rows.remove(placeKey(immutable.id))
  const values = { ...immutable, status: latest.status }
  for (const index of Object.keys(INDEXES) as IndexName[]) {
    const value = values[index]
    if (value !== undefined) rows.remove(indexKey(index, value, place))
  }
  await leaveThread(rows, known)
  const freed = bytesOf(known) + rowBytes(latest)
  rows.grow(-freed)
  const rest: Rest = { is: 'gone', next: 0, last: latest.n }
  if (latest.n < SHORT_CHAIN) return freed + (await tidyRecords(rows, place, rest))
  rows.put(restKey(place), rest)
  return freed
}

/** Has what stood beside an envelope taken out of its records before `n`, by `tidy`. */
export const redactRecords = (rows: Rows, place: number, n: number): void =>
  rows.put(restKey(place), { is: 'redacted', next: 0, last: n - 1 } satisfies Rest)

/** Goes on with the records of a place. Yields the bytes that it gives back. */
export async function tidy(rows: Rows, place: number): Promise<number> {
  const rest = await rows.get<Rest>(restKey(place))
  if (rest === undefined) {
    rows.remove(restKey(place))
    return 0
  }
  const end = Math.min(rest.last, rest.next + RECORDS_AT_ONCE - 1)
  const freed = await tidyRecords(rows, place, { ...rest, last: end })
  if (end === rest.last) rows.remove(restKey(place))
  else rows.put(restKey(place), { ...rest, next: end + 1 })
  return freed
}

async function tidyRecords(rows: Rows, place: number, { is, next, last }: Rest): Promise<number> {
  let freed = 0
  for (let n = next; n <= last; n++) {
    const key = recordKey(place, n)
    const record = await rows.get<StatusRecord>(key)
    if (record === undefined) rows.remove(key)
    else if (is === 'gone') {
      rows.remove(key)
      freed += rowBytes(record) + KEYS_BYTES
    } else if (record.hash === undefined) {
      const redacted = redactedRecord(record)
      rows.put(key, redacted)
      freed += rowBytes(record) - rowBytes(redacted)
    }
  }
  rows.grow(-freed)
  return freed
}
