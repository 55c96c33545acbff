import { meetPatterns } from '../protocols/index.ts'
import type { GrantRow, TreatyGrant } from './treaty-grant.ts'
import type { Direction } from './treaty.ts'

/** What two hubs share one way: what the one sends and the other takes. */
export type AgreedRow = {
  /** 16 bytes in hex. */
  readonly share: string
  /** As this hub names it. */
  readonly name: string
  /** Ascending patterns; at least one. */
  readonly topics: readonly string[]
  readonly relay: boolean
}

/**
 * A place where what two hubs grant differs: of a share, which is then named by its id, or of all.
 * @see specs/federation-links.md, section 7.4
 */
export type Difference = {
  readonly what: 'only_here' | 'only_there' | 'name' | 'dir' | 'out' | 'in' | 'relay' | 'window_s' | 'expires'
  readonly share?: string
  readonly here?: Value
  readonly there?: Value
}
type Value = string | number | boolean | readonly string[]

/** What holds between two hubs. */
export interface Agreement {
  /** What this hub sends, ascending by share. */
  readonly out: readonly AgreedRow[]
  /** What it takes. */
  readonly in: readonly AgreedRow[]
  /** The smaller of both windows, in seconds. */
  readonly windowS: number
  /** The earlier of both ends in Unix seconds; undefined where neither has one. */
  readonly expires: number | undefined
  /** None of them ends a link. */
  readonly differences: readonly Difference[]
}

/** Whether nothing of a grant holds any more. */
export const isOver = ({ expires }: { readonly expires?: number | undefined }, nowS: number): boolean =>
  expires !== undefined && nowS >= expires

/**
 * What holds between this hub and another, by what each grants: in each direction what the sender sends and the receiver
 * takes. Swapping both swaps `out` and `in`. Whether either grant is over is `isOver`'s to say.
 */
export function agree(here: TreatyGrant, there: TreatyGrant): Agreement {
  const theirs = new Map(there.rows.map(row => [row.share.id, row]))
  const pairs = here.rows
    .flatMap(row => {
      const other = theirs.get(row.share.id)
      return other === undefined ? [] : [{ row, other }]
    })
    .sort((a, b) => (a.row.share.id < b.row.share.id ? -1 : 1))
  const ends = [here.expires, there.expires].filter(end => end !== undefined)
  return {
    out: pairs.flatMap(({ row, other }) => agreedRow(row, row, other)),
    in: pairs.flatMap(({ row, other }) => agreedRow(row, other, row)),
    windowS: Math.min(here.window_s, there.window_s),
    expires: ends.length > 0 ? Math.min(...ends) : undefined,
    differences: [
      ...onlyIn(here, there).map(share => ({ what: 'only_here', share }) as const),
      ...onlyIn(there, here).map(share => ({ what: 'only_there', share }) as const),
      ...pairs.flatMap(({ row, other }) => rowDifferences(row, other)),
      ...differing('window_s', here.window_s, there.window_s),
      ...differing('expires', here.expires, there.expires)
    ]
  }
}

function agreedRow({ share }: GrantRow, from: GrantRow, to: GrantRow): AgreedRow[] {
  const topics = goes(from.dir, 'out') && goes(to.dir, 'in') ? meet(from.topics, to.topics) : []
  return topics.length > 0
    ? [{ share: share.id, name: share.name, topics, relay: from.relay && to.relay }]
    : []
}

function rowDifferences(here: GrantRow, there: GrantRow): Difference[] {
  const share = here.share.id
  const ways = [
    ['out', here, there],
    ['in', there, here]
  ] as const
  const isOneSided = ways.some(([, from, to]) => goes(from.dir, 'out') !== goes(to.dir, 'in'))
  const topics = ways.filter(
    ([, from, to]) =>
      goes(from.dir, 'out') && goes(to.dir, 'in') && !isSame(sorted(from.topics), sorted(to.topics))
  )
  return [
    ...differing('name', here.share.name, there.share.name, share),
    ...(isOneSided ? [{ what: 'dir', share, here: here.dir, there: there.dir } as const] : []),
    ...topics.map(([what]) => ({ what, share, here: sorted(here.topics), there: sorted(there.topics) })),
    ...differing('relay', here.relay, there.relay, share)
  ]
}

function differing(
  what: Difference['what'],
  here: Value | undefined,
  there: Value | undefined,
  share?: string
): Difference[] {
  if (here === there) return []
  return [
    {
      what,
      ...(share !== undefined && { share }),
      ...(here !== undefined && { here }),
      ...(there !== undefined && { there })
    }
  ]
}

const goes = (dir: Direction, way: 'in' | 'out'): boolean => dir === way || dir === 'both'

const sorted = (topics: readonly string[]): string[] => [...new Set(topics)].sort()

const isSame = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((topic, n) => topic === b[n])

const meet = (a: readonly string[], b: readonly string[]): string[] =>
  sorted(a.flatMap(one => b.flatMap(other => meetPatterns(one, other) ?? [])))

function onlyIn(one: TreatyGrant, other: TreatyGrant): string[] {
  const ids = new Set(other.rows.map(({ share }) => share.id))
  return one.rows
    .map(({ share }) => share.id)
    .filter(id => !ids.has(id))
    .sort()
}
