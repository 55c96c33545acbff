import { OapError, parseCaveat } from '../../protocols/index.ts'
import type { Caveat } from '../../protocols/index.ts'

export interface MintPolicy {
  /** Life of a token for which nothing else is asked. */
  readonly defaultTtlS: number
  readonly maxTtlS: number
  /** How far ahead `renew-until` may lie. */
  readonly maxRenewS: number
}

export const DEFAULT_MINT_POLICY: MintPolicy = {
  defaultTtlS: 15 * 60,
  maxTtlS: 24 * 3600,
  maxRenewS: 366 * 24 * 3600
}

/** What an operator asks for. Lists are divided by commas, times are Unix seconds. */
export interface MintRequest {
  readonly verb: string
  /** The id or name of a tenant. */
  readonly tenant: string
  readonly topic?: string
  readonly app?: string
  readonly content?: string
  readonly subject?: string
  readonly peer?: string
  /** Whoever has the token may use it; needed where no `peer` is named. */
  readonly bearer?: boolean
  readonly ttl_s?: number
  readonly not_before?: number
  readonly renew_until?: number
  readonly rate?: number
  readonly streams?: number
  readonly max_bytes?: number
  readonly read_only?: boolean
}

/** What a token will say, and for how long. */
export interface MintTerms {
  readonly caveats: readonly Caveat[]
  readonly verbs: readonly string[]
  /** Unix seconds. */
  readonly expires: number
  readonly ttlS: number
}

/**
 * How members of a request stand in a token, in its order. `expires` comes last of all: when a renewal moves it, what
 * stands before it, and with that the names of the buckets, stay the same.
 */
const LINES: readonly (readonly [member: keyof MintRequest, before: string, after?: string])[] = [
  ['verb', 'verb = '],
  ['topic', 'topic = '],
  ['app', 'app = '],
  ['content', 'content = '],
  ['peer', 'peer = '],
  ['not_before', 'not-before > '],
  ['rate', 'rate <= ', '/s'],
  ['streams', 'streams <= '],
  ['max_bytes', 'max-bytes <= '],
  ['renew_until', 'renew-until < ']
]

/** The terms of a token under a policy. Throws `bad_request` that names the member. */
export function mintTerms(request: MintRequest, nowS: number, policy: MintPolicy): MintTerms {
  checkHolder(request)
  checkRenewal(request, nowS, policy)
  const ttlS = request.ttl_s ?? Math.min(policy.defaultTtlS, policy.maxTtlS)
  if (!Number.isSafeInteger(ttlS) || ttlS < 1 || ttlS > policy.maxTtlS)
    throw bad('ttl_s', `from 1 to ${policy.maxTtlS}; the configuration of the node says how long at most`)
  const expires = nowS + ttlS
  const asked = LINES.flatMap(([member, before, after = '']) => {
    const value = request[member]
    return value === undefined ? [] : [read(member, `${before}${value}${after}`)]
  })
  const readOnly = request.read_only === true ? [read('read_only', 'read-only')] : []
  const caveats = [...asked, ...readOnly, { key: 'expires' as const, value: expires }]
  return { caveats, verbs: request.verb.split(','), expires, ttlS }
}

function read(member: string, line: string): Caveat {
  const caveat = parseCaveat(line)
  if ('unknown' in caveat) throw bad(member, 'not of the form that capabilities have for it')
  return caveat
}

function checkHolder({ peer, bearer = false }: MintRequest): void {
  if (peer === undefined && !bearer)
    throw bad(
      'peer',
      'name the peer that may use it, or ask for a bearer token, which anyone may use who has it'
    )
  if (peer !== undefined && bearer) throw bad('bearer', 'a token that is bound to a peer is none')
}

function checkRenewal({ renew_until, peer }: MintRequest, nowS: number, { maxRenewS }: MintPolicy): void {
  if (renew_until === undefined) return
  if (peer === undefined) throw bad('renew_until', 'only a token that is bound to a peer can be renewed')
  if (renew_until <= nowS || renew_until > nowS + maxRenewS)
    throw bad('renew_until', `at most ${Math.floor(maxRenewS / 86_400)} days from now, and not over yet`)
}

const bad = (member: string, why: string): OapError => new OapError('bad_request', `${member}: ${why}`)
