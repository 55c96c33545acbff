import { createHash } from 'node:crypto'
import { canonicalJson } from '../canonical.ts'
import { SNAPSHOTS } from './numbers.ts'
import { type ShareHead, shareDigest } from './snapshot.ts'

/** What a hub has settled of one series of a share. @see specs/federation-shares.md */
export interface SettledSeries {
  /** 32 hex digits. */
  readonly share: string
  /** The hub id. */
  readonly origin: string
  readonly series: number
  readonly first: number
  readonly last: number
  /** Stretches between them that are not settled, both ends included. */
  readonly missing: readonly (readonly [number, number])[]
}

/** A head for each share, in the order in which a snapshot has them; the first 1024 of more. */
export function shareHeads(all: Iterable<SettledSeries>): readonly ShareHead[] {
  const byShare = new Map<string, SettledSeries[]>()
  for (const one of all) byShare.set(one.share, [...(byShare.get(one.share) ?? []), one])
  return [...byShare]
    .map(([id, series]) => headOf(id, series))
    .sort((a, b) => (a.share < b.share ? -1 : 1))
    .slice(0, SNAPSHOTS.shares)
}

function headOf(id: string, series: readonly SettledSeries[]): ShareHead {
  const lines = series.map(lineOf).sort()
  const hash = createHash('sha256')
  for (const line of lines) hash.update(`${line}\n`)
  return {
    count: series.reduce((sum, one) => sum + settled(one), 0),
    highest: series.reduce((most, { last }) => Math.max(most, last), 0),
    root: hash.digest('hex'),
    share: shareDigest(id)
  }
}

const lineOf = ({ origin, series, first, last, missing }: SettledSeries): string =>
  canonicalJson([origin, series, first, last, missing])

const settled = ({ first, last, missing }: SettledSeries): number =>
  missing.reduce((left, [from, to]) => left - (to - from + 1), last - first + 1)
