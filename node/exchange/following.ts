import { EXCHANGE_NUMBERS, REVOCATION_HEAD, canonicalJson, isStatementBy } from '../../federation/index.ts'
import type { Moment, NEWS_REFUSALS, RevocationHeadStatement, Signed } from '../../federation/index.ts'
import {
  NOTHING_FOLLOWED,
  delegationFor,
  followFrom,
  formatRevocation,
  headOf,
  keyDelegationProblem,
  revocationProblem
} from '../capabilities/index.ts'
import type { FollowedHead, KeyDelegation, SignedRevocation } from '../capabilities/index.ts'

/** Keys that sign a hub's revocations, in its life. */
const MAX_KEYS = 8

/** What a hub says of its revocations: some of them, and where its list stands. */
export interface RevocationNews {
  readonly delegations: readonly KeyDelegation[]
  readonly statements: readonly SignedRevocation[]
  /** Not there while the hub key has not signed for the key of the list. */
  readonly head: Signed<RevocationHeadStatement> | undefined
}

/** How far another hub's list is known. A value. */
export interface Following {
  readonly delegations: readonly KeyDelegation[]
  readonly head: FollowedHead
  /** The `at` of the newest head, in Unix seconds; 0 for none. */
  readonly toldAt: number
  /** Until then the newest head is good, in milliseconds that never go back. */
  readonly freshUntilMs: number
}

export const NOT_FOLLOWED: Following = {
  delegations: [],
  head: NOTHING_FOLLOWED,
  toldAt: 0,
  freshUntilMs: -Infinity
}

/** Why something that a hub said was not taken; what came before it was. */
export type NewsProblem = (typeof NEWS_REFUSALS)[number]

export interface Followed {
  readonly state: Following
  /** Statements that are new, in order. */
  readonly taken: readonly SignedRevocation[]
  /** What had been taken before is of a list that a replaced key made, and is to be forgotten. */
  readonly isAnew: boolean
  readonly problem: NewsProblem | undefined
}

export interface FollowUse {
  readonly now: Moment
  /** How many statements of one hub there is room for. */
  readonly mostStatements: number
  /** Whether the hub has revoked a key of its own, in hex. */
  readonly isRevoked: (key: string) => boolean
}

/**
 * What is known of a hub's revocations after it said more of them. A head counts once all statements up to it are known,
 * and its time begins when it was made, or when it came where that was earlier.
 * @see specs/federation-links.md, section 12.3
 */
export function follow(
  hub: string,
  before: Following,
  news: RevocationNews,
  { now, mostStatements, isRevoked }: FollowUse
): Followed {
  const learned = learn(hub, before.delegations, news.delegations)
  const start = followFrom(before.head, learned.delegations)
  const isAnew = start !== before.head
  const fresh = isAnew ? { ...NOT_FOLLOWED, toldAt: before.toldAt } : before
  const { head, taken, problem } = take(start, news.statements, learned.delegations, mostStatements)
  const state = { ...fresh, delegations: learned.delegations, head }
  const failed = learned.problem ?? problem
  if (failed !== undefined || news.head === undefined) return { state, taken, isAnew, problem: failed }
  const judged = judgeHead(state, news.head, { now, isRevoked })
  return { state: { ...state, ...judged.told }, taken, isAnew, problem: judged.problem }
}

/** Whether all that a hub had revoked a minute ago is known. */
export const isFresh = ({ freshUntilMs }: Following, nowMs: number): boolean => nowMs < freshUntilMs

interface Learned {
  readonly delegations: readonly KeyDelegation[]
  readonly problem?: NewsProblem
}

function learn(hub: string, known: readonly KeyDelegation[], said: readonly KeyDelegation[]): Learned {
  const delegations = [...known]
  for (const delegation of said) {
    const { epoch } = delegation.statement
    const held = delegations.find(({ statement }) => statement.epoch === epoch)
    if (held !== undefined) {
      if (isSame(held, delegation)) continue
      return { delegations, problem: 'equivocation' }
    }
    const isTaken = delegation.statement.hub === hub && delegations.length < MAX_KEYS
    if (!isTaken || keyDelegationProblem(delegation) !== undefined)
      return { delegations, problem: 'delegation' }
    delegations.push(delegation)
  }
  return { delegations: delegations.sort((a, b) => a.statement.epoch - b.statement.epoch) }
}

const isSame = (a: KeyDelegation, b: KeyDelegation): boolean =>
  canonicalJson(a.statement) === canonicalJson(b.statement)

function take(
  from: FollowedHead,
  statements: readonly SignedRevocation[],
  delegations: readonly KeyDelegation[],
  most: number
) {
  let head = from
  const taken: SignedRevocation[] = []
  const result = (problem?: NewsProblem) => ({ head, taken, problem })
  for (const signed of statements) {
    const { seq, epoch } = signed.statement
    if (seq <= head.seq) continue
    if (seq > most) return result('full')
    const delegation = delegationFor(signed, delegations, head.epoch)
    if (delegation === undefined || revocationProblem(signed, head, delegation) !== undefined)
      return result('statement')
    head = { ...headOf(seq, formatRevocation(signed)), epoch }
    taken.push(signed)
  }
  return result()
}

interface Judged {
  readonly told?: Pick<Following, 'toldAt' | 'freshUntilMs'>
  readonly problem?: NewsProblem
}

function judgeHead(
  { delegations, head, toldAt, freshUntilMs }: Following,
  signed: Signed<RevocationHeadStatement>,
  { now, isRevoked }: Pick<FollowUse, 'now' | 'isRevoked'>
): Judged {
  const { hub, key, epoch, at, seq, digest } = signed.statement
  const newest = delegations.at(-1)?.statement
  // A key that was replaced speaks for nothing any more.
  if (newest === undefined || hub !== newest.hub || key !== newest.key || epoch !== newest.epoch)
    return { problem: 'head_key' }
  if (isRevoked(key)) return { problem: 'head_key' }
  const isOfItsTime = at >= newest.not_before && at <= newest.not_after
  if (!isOfItsTime || Math.abs(now.s - at) > EXCHANGE_NUMBERS.skewS) return { problem: 'head_time' }
  if (!isStatementBy(REVOCATION_HEAD, signed, Buffer.from(key, 'hex'))) return { problem: 'head_signature' }
  // More statements are to come: what is missing is nobody's fault.
  if (seq > head.seq) return {}
  if (seq < head.seq || digest !== head.digest) return { problem: 'fork' }
  const ageS = Math.max(0, now.s - at)
  const until = now.ms + (EXCHANGE_NUMBERS.headS - ageS) * 1000
  return { told: { toldAt: Math.max(toldAt, at), freshUntilMs: Math.max(freshUntilMs, until) } }
}
