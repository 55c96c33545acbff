import { CLOCK_SKEW_S, meetPatterns, patternCovers } from '../protocols/index.ts'
import { isOver } from './agreement.ts'
import { MAX_EXCHANGE_TOPICS } from './exchange-statement.ts'
import type { ExchangeStatement } from './exchange-statement.ts'
import type { Direction, Treaty, TreatyRow } from './treaty.ts'

/** Seconds. @see specs/federation-links.md, section 12 */
export const EXCHANGE_NUMBERS = {
  /** The longest life of a token that is given out for a right of another hub. */
  mostS: 900,
  /** How far the clocks of two hubs may lie apart. */
  skewS: CLOCK_SKEW_S,
  /** How long the newest head of a hub's revocations is good. */
  headS: 60,
  /** How often a hub signs its head. */
  headEveryS: 10
} as const

/** Why no token is given out; what both audit logs hold. @see specs/federation-links.md, section 12.2 */
export const EXCHANGE_REFUSALS = [
  'malformed',
  'hub',
  'key',
  'time',
  'revoked',
  'signature',
  'audience',
  'clock',
  'expires',
  'replayed',
  'head',
  'cap_id',
  'kid',
  'subject',
  'share',
  'tenant',
  'verb',
  'dir',
  'topic'
] as const
export type ExchangeRefusal = (typeof EXCHANGE_REFUSALS)[number]

/** Which way data goes at the hub that is called, by verbs whose operations are all about a topic. */
export type VerbWays = ReadonlyMap<string, Direction>

export interface ExchangeUse {
  /** What the hub that mints grants the one that signed. */
  readonly treaty: Treaty
  readonly ways: VerbWays
  /** Whether a tenant is there. */
  readonly isTenant: (id: string) => boolean
  /** This hub. */
  readonly self: string
  /** Unix seconds. */
  readonly nowS: number
}

/** What a token will allow: never more than both the statement and the treaty do. */
export interface ExchangeTerms {
  readonly tenant: string
  readonly verbs: readonly string[]
  /** Ascending. */
  readonly topics: readonly string[]
  /** Unix seconds. */
  readonly expires: number
}

/** Why a statement, whoever signed it, is not for this hub and this moment; undefined where it is. */
export function addressProblem(
  { audience, at, expires }: ExchangeStatement,
  { self, nowS }: Pick<ExchangeUse, 'self' | 'nowS'>
): ExchangeRefusal | undefined {
  if (audience !== self) return 'audience'
  if (Math.abs(nowS - at) > EXCHANGE_NUMBERS.skewS) return 'clock'
  return expires <= nowS ? 'expires' : undefined
}

/** What a token for this statement allows under the treaty, or why there is none. */
export function exchangeTerms(
  { share, verbs, topics, expires }: ExchangeStatement,
  { treaty, ways, isTenant, nowS }: Omit<ExchangeUse, 'self'>
): ExchangeTerms | ExchangeRefusal {
  if (isOver(treaty, nowS)) return 'expires'
  const row = treaty.rows.find(({ share: { id } }) => id === share)
  if (row === undefined) return 'share'
  if (!isTenant(row.tenant)) return 'tenant'
  if (!verbs.every(verb => treaty.verbs.includes(verb) && ways.has(verb))) return 'verb'
  if (!verbs.every(verb => goes(row.dir, ways.get(verb)!))) return 'dir'
  const met = meetAll(row.topics, topics)
  if (met.length === 0) return 'topic'
  const end = Math.min(expires, nowS + EXCHANGE_NUMBERS.mostS, treaty.expires ?? Infinity)
  return { tenant: row.tenant, verbs, topics: met, expires: end }
}

/** What an agent asks of its own hub. */
export interface ExchangeWish {
  readonly verbs: readonly string[]
  /** Patterns; without them, all that there are. */
  readonly topics?: readonly string[] | undefined
  /** Needed where several shares would do. */
  readonly share?: string | undefined
}

/** The right of an agent at its own hub. */
export interface ExchangedRight {
  readonly tenant: string
  /** The verbs of each caveat `verb`, and the patterns of each caveat `topic`: what is allowed all of them allow. */
  readonly verbs: readonly (readonly string[])[]
  readonly topics: readonly (readonly string[])[]
}

/**
 * The share and topics that a hub may ask another for in the name of an agent, by its own treaty with that hub: only of
 * rows whose tenant is the agent's, and that go the way of the verbs. A refusal where there is no such row, or several.
 */
export function exchangeRequest(
  wish: ExchangeWish,
  right: ExchangedRight,
  { treaty, ways }: Pick<ExchangeUse, 'treaty' | 'ways'>
): { readonly share: string; readonly topics: readonly string[] } | ExchangeRefusal {
  const isHeld = (verb: string): boolean => right.verbs.every(verbs => verbs.includes(verb)) && ways.has(verb)
  if (!wish.verbs.every(isHeld)) return 'verb'
  const named = treaty.rows.filter(({ share: { id } }) => wish.share === undefined || id === wish.share)
  const own = named.filter(({ tenant }) => tenant === right.tenant)
  if (own.length === 0) return 'share'
  const open = own.filter(({ dir }) => wish.verbs.every(verb => goes(dir, opposite(ways.get(verb)!))))
  if (open.length === 0) return 'dir'
  const found = open.map(row => ({ share: row.share.id, topics: topicsIn(row, wish, right) }))
  const held = found.filter(({ topics }) => topics.length > 0)
  if (held.length === 0) return 'topic'
  const [first] = held
  if (held.length > 1 || first === undefined) return 'share'
  return first.topics.length > MAX_EXCHANGE_TOPICS ? 'topic' : first
}

const topicsIn = (row: TreatyRow, { topics }: ExchangeWish, right: ExchangedRight): readonly string[] =>
  [...right.topics, ...(topics === undefined ? [] : [topics])].reduce(meetAll, [...row.topics].sort())

/** What both allow, in ascending order, without a pattern that another one covers. */
function meetAll(some: readonly string[], others: readonly string[]): readonly string[] {
  const met = [...new Set(some.flatMap(one => others.flatMap(other => meetPatterns(one, other) ?? [])))]
  return met.filter(one => !met.some(other => other !== one && patternCovers(other, one))).sort()
}

const goes = (dir: Direction, way: Direction): boolean => dir === 'both' || dir === way

const opposite = (way: Direction): Direction => (way === 'both' ? way : way === 'in' ? 'out' : 'in')
