import {
  EXCHANGE,
  EXCHANGE_NUMBERS,
  MAX_EXCHANGE_CHARS,
  NonceMemory,
  addressProblem,
  exchangeTerms,
  learnDelegation,
  parseSigned,
  statementProblem
} from '../../federation/index.ts'
import type {
  Delegation,
  DelegationBook,
  ExchangeRefusal,
  ExchangeStatement,
  ExchangeTerms,
  Moment,
  Signed,
  VerbWays
} from '../../federation/index.ts'
import { OapError, TokenBucket, clampRetryAfter } from '../../protocols/index.ts'
import type { Caveat } from '../../protocols/index.ts'
import type { AllowedHub } from '../allowlist/index.ts'
import { auditEvent } from '../audit/index.ts'
import type { AuditEvent } from '../audit/index.ts'
import type { By, Capabilities, MintedToken } from '../capabilities/index.ts'
import type { FollowedHubs } from './followed-hubs.ts'
import type { Origins } from './origins.ts'

/** Statements of one hub that are looked at: so many at once, and so many a second. */
const AT_ONCE = 20
const A_SECOND = 5
const MOST_HUBS = 1024
/** Longer than any statement is taken, either way. */
const NONCE_MS = 2 * EXCHANGE_NUMBERS.skewS * 1000 + 1000

export interface GrantingOptions {
  /** This hub. */
  readonly self: string
  readonly now: () => Moment
  readonly ways: VerbWays
  readonly allowed: (hub: string) => AllowedHub | undefined
  /** What is known of the keys of a hub. */
  readonly bookOf: (hub: string) => DelegationBook
  readonly capabilities: Pick<Capabilities, 'exchange' | 'isActive'>
  readonly followed: Pick<FollowedHubs, 'revokedOf' | 'isFresh'>
  readonly origins: Pick<Origins, 'digestOf'>
  /** Records what has happened; resolves once it is durable. */
  readonly record: (event: AuditEvent) => Promise<unknown>
}

/** A link over which a statement came. */
export interface AskingLink {
  readonly hub: string
  /** As its handshake proved it. */
  readonly delegation: Delegation
}

/**
 * Gives out tokens of this hub for rights of linked ones: never more than their statement and our treaty both allow.
 * Each is minted, listed and recorded before it is answered, and each refusal recorded.
 * @see specs/federation-links.md, section 12.2
 */
export class Granting {
  readonly #o: GrantingOptions
  readonly #nonces = new Map<string, NonceMemory>()
  readonly #rates = new Map<string, TokenBucket>()

  constructor(options: GrantingOptions) {
    this.#o = options
  }

  /** A token for a statement, as its line. Throws `quota_capability`, or `cap_denied` with the refusal as reason. */
  async exchange(link: AskingLink, line: Uint8Array, by: By): Promise<MintedToken> {
    this.#admit(link.hub)
    const signed = read(line)
    if (signed === undefined) throw await this.#refused(link.hub, 'malformed', undefined, by)
    const { statement } = signed
    const terms = this.#judge(link, signed)
    if (typeof terms === 'string') throw await this.#refused(link.hub, terms, statement, by)
    const minted = await this.#mint(link.hub, statement, terms, by)
    const { hub } = link
    const data = {
      hub,
      role: 'audience',
      origin_cap_id: statement.cap_id,
      cap_id: minted.capId,
      expires_s: minted.expires
    } as const
    await this.#record('exchange', by, data)
    return minted
  }

  #judge(link: AskingLink, signed: Signed<ExchangeStatement>): ExchangeTerms | ExchangeRefusal {
    const { self, ways, allowed, bookOf, capabilities, followed, now } = this.#o
    const { statement } = signed
    const { ms, s: nowS } = now()
    const book = bookOf(link.hub)
    const problem = signatureProblem(link, book, signed, nowS) ?? addressProblem(statement, { self, nowS })
    if (problem !== undefined) return problem
    if (!this.#noncesOf(link.hub).take(statement.nonce, ms)) return 'replayed'
    if (!followed.isFresh(link.hub)) return 'head'
    const { cap_id: capId, kid, subject } = statement
    const revoked = followed.revokedOf(link.hub, { capId, kid, subject })
    if (revoked !== undefined) return revoked
    const treaty = allowed(link.hub)?.treaty
    if (treaty === undefined) return 'expires'
    return exchangeTerms(statement, { treaty, ways, nowS, isTenant: id => capabilities.isActive(id) })
  }

  async #mint(hub: string, statement: ExchangeStatement, terms: ExchangeTerms, by: By): Promise<MintedToken> {
    const { capabilities, allowed, origins, now, self } = this.#o
    const { tenant, verbs, expires } = terms
    const { cap_id: capId, kid, subject } = statement
    const treaty = origins.digestOf(allowed(hub)!.treaty)
    const origin = { hub, capId, kid, ...(subject !== undefined && { subject }), treaty }
    const caveats = caveatsOf(self, statement, terms)
    try {
      const ttlS = expires - now().s
      return await capabilities.exchange({ tenant, verbs, expires, ttlS, caveats, origin }, by)
    } catch (error) {
      // Patterns of both, met, can be more than a token holds.
      const isTooLong = error instanceof OapError && error.code === 'bad_request'
      throw isTooLong ? await this.#refused(hub, 'topic', statement, by) : error
    }
  }

  #admit(hub: string): void {
    const nowMs = this.#o.now().ms
    const rate = kept(this.#rates, hub, () => new TokenBucket(AT_ONCE, A_SECOND, nowMs))
    const wait = rate.take(1, nowMs)
    if (wait === 0) return
    throw new OapError('quota_capability', 'capabilities are exchanged too often', {
      retryAfterMs: clampRetryAfter(wait)
    })
  }

  #noncesOf(hub: string): NonceMemory {
    return kept(this.#nonces, hub, () => new NonceMemory({ forMs: NONCE_MS }))
  }

  async #refused(
    hub: string,
    code: ExchangeRefusal,
    statement: ExchangeStatement | undefined,
    by: By
  ): Promise<OapError> {
    const data = {
      hub,
      role: 'audience',
      code,
      ...(statement && { origin_cap_id: statement.cap_id })
    } as const
    await this.#record('exchange_refused', by, data)
    return exchangeRefused(code)
  }

  #record<T extends 'exchange' | 'exchange_refused'>(
    type: T,
    { actor, ...ids }: By,
    data: Parameters<typeof auditEvent<T>>[2]
  ): Promise<unknown> {
    return this.#o.record(auditEvent(type, actor, data, ids))
  }
}

/** What the hub that asks is answered. */
export const exchangeRefused = (code: ExchangeRefusal): OapError =>
  code === 'malformed'
    ? new OapError('bad_request', 'body: not the line of a statement for an exchange', { reason: code })
    : new OapError('cap_denied', `no capability is given out for this statement: ${code}`, { reason: code })

function read(line: Uint8Array): Signed<ExchangeStatement> | undefined {
  if (line.length > MAX_EXCHANGE_CHARS) return undefined
  try {
    return parseSigned(EXCHANGE, Buffer.from(line).toString('utf8'))
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

function signatureProblem(
  { delegation }: AskingLink,
  book: DelegationBook,
  signed: Signed<ExchangeStatement>,
  nowS: number
): ExchangeRefusal | undefined {
  const learned = learnDelegation(book, delegation)
  if (learned.verdict === 'new' || learned.verdict === 'known')
    return statementProblem(learned.book, EXCHANGE, signed, nowS)
  return learned.verdict === 'refused' && learned.why === 'revoked' ? 'revoked' : 'key'
}

/** What a token says for a statement, in its order. */
export function caveatsOf(
  self: string,
  { peer, apps, rate, streams, max_bytes, read_only, hub, cap_id: capId }: ExchangeStatement,
  { verbs, topics, expires }: ExchangeTerms
): Caveat[] {
  return [
    { key: 'verb', value: verbs },
    { key: 'topic', value: topics },
    ...(apps === undefined ? [] : [{ key: 'app', value: apps } as const]),
    { key: 'peer', value: peer },
    { key: 'audience', value: self },
    { key: 'origin', value: { hub, capId } },
    ...(rate === undefined ? [] : [{ key: 'rate', value: rate } as const]),
    ...(streams === undefined ? [] : [{ key: 'streams', value: streams } as const]),
    ...(max_bytes === undefined ? [] : [{ key: 'max-bytes', value: max_bytes } as const]),
    ...(read_only === true ? [{ key: 'read-only', value: true } as const] : []),
    { key: 'expires', value: expires }
  ]
}

/** The value of a hub, made when it is asked for; the one asked for first gives way to one too many. */
function kept<T>(all: Map<string, T>, hub: string, make: () => T): T {
  const found = all.get(hub) ?? make()
  all.delete(hub)
  all.set(hub, found)
  for (const [oldest] of all) {
    if (all.size <= MOST_HUBS) break
    all.delete(oldest)
  }
  return found
}
