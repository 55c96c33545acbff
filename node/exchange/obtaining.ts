import { randomBytes } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import {
  EXCHANGE,
  EXCHANGE_NUMBERS,
  EXCHANGE_REFUSALS,
  exchangeRequest,
  formatSigned,
  signStatement
} from '../../federation/index.ts'
import type { ExchangeRefusal, ExchangeStatement, ExchangeWish, VerbWays } from '../../federation/index.ts'
import { OapError, capabilitiesService, clampRetryAfter, inspectToken } from '../../protocols/index.ts'
import type {
  Caveat,
  CaveatKey,
  CaveatValues,
  ConnectionCaller,
  VerifiedToken
} from '../../protocols/index.ts'
import type { AllowedHub } from '../allowlist/index.ts'
import { auditEvent } from '../audit/index.ts'
import type { AuditEvent } from '../audit/index.ts'
import type { By } from '../capabilities/index.ts'
import { BucketTable } from '../guards/bucket-table.ts'

const ASK_MS = 10_000
/** Exchanges of one right: so many at once, and so many a second. */
const RATE = { burst: 10, perSecond: 1 }
const REMEMBERED_RIGHTS = 4096
const NONCE_BYTES = 16

export interface ObtainingOptions {
  /** This hub. */
  readonly self: string
  /** With what its links are signed: the key of the node, and the epoch of its delegation. */
  readonly signer: { readonly key: KeyObject; readonly publicKey: string; readonly epoch: number }
  readonly ways: VerbWays
  /** Unix seconds. */
  readonly nowS: () => number
  /** The entry of a hub. Throws `not_found`, `bad_request`. */
  readonly find: (hub: string) => AllowedHub
  /** Calls over the link with a hub. Throws `no_link`. */
  readonly callerOf: (hub: string) => Pick<ConnectionCaller, 'client'>
  readonly record: (event: AuditEvent) => Promise<unknown>
}

export interface ObtainRequest extends ExchangeWish {
  readonly hub: string
}

export interface Obtained {
  readonly capId: string
  readonly kid: number
  /** Unix seconds. */
  readonly expires: number
  readonly token: Uint8Array
  /** Where the hub that minted it can be dialled. */
  readonly addresses: readonly string[]
}

/**
 * Gets an agent of this hub a token of a linked one. This hub answers for the agent with its signature, so it signs no
 * more than the token that the agent shows, and only for shares of that token's tenant.
 * @see specs/federation-links.md, section 12.1
 */
export class Obtaining {
  readonly #o: ObtainingOptions
  readonly #rates = new BucketTable(REMEMBERED_RIGHTS)

  constructor(options: ObtainingOptions) {
    this.#o = options
  }

  /**
   * `token` was proved, is not revoked, and belongs to the peer that calls. Throws `cap_denied` with the refusal as reason,
   * `not_found`, `no_link`, and what the other hub refuses with.
   */
  async obtain(request: ObtainRequest, token: VerifiedToken, by: By): Promise<Obtained> {
    const { hub, ...wish } = request
    const { find, callerOf } = this.#o
    this.#admit(token)
    const entry = find(hub)
    const refusal = holderRefusal(token)
    const asked =
      refusal ?? exchangeRequest(wish, rightOf(token), { treaty: entry.treaty, ways: this.#o.ways })
    if (typeof asked === 'string') throw await this.#refused(hub, token, asked, by)
    const caller = callerOf(hub)
    const line = formatSigned(this.#signed(hub, { ...asked, verbs: wish.verbs }, token))
    const answer = await caller
      .client(capabilitiesService)
      .exchange({ body: Buffer.from(line) }, { deadlineMs: ASK_MS })
      .catch((error: unknown) => this.#turnedAway(hub, token, error, by))
    const { cap_id: capId, kid, expires, addresses, body: bytes = new Uint8Array(0) } = answer
    checkToken(bytes, hub, capId)
    const data = {
      hub,
      role: 'origin',
      origin_cap_id: token.capId,
      cap_id: capId,
      expires_s: expires
    } as const
    const { actor, ...ids } = by
    await this.#o.record(auditEvent('exchange', actor, data, ids))
    return { capId, kid, expires, token: bytes, addresses: [...new Set([...entry.addresses, ...addresses])] }
  }

  #signed(
    hub: string,
    { share, topics, verbs }: Pick<ExchangeStatement, 'share' | 'topics' | 'verbs'>,
    token: VerifiedToken
  ) {
    const { self, signer, nowS } = this.#o
    const at = nowS()
    const { limits, capId, kid, subject } = token
    const statement: ExchangeStatement = {
      ...boundsOf(token),
      at,
      audience: hub,
      cap_id: capId,
      epoch: signer.epoch,
      expires: Math.min(limits.expires, at + EXCHANGE_NUMBERS.mostS),
      hub: self,
      key: signer.publicKey,
      kid,
      nonce: randomBytes(NONCE_BYTES).toString('hex'),
      peer: limits.peer!,
      share,
      ...(subject !== undefined && { subject }),
      topics,
      verbs: [...new Set(verbs)].sort()
    }
    return signStatement(EXCHANGE, signer.key, statement)
  }

  #admit({ capId }: VerifiedToken): void {
    const nowMs = performance.now()
    const wait = this.#rates.get(capId, RATE, nowMs).take(1, nowMs)
    if (wait === 0) return
    throw new OapError('quota_capability', 'the capability is exchanged too often', {
      retryAfterMs: clampRetryAfter(wait)
    })
  }

  /** The other hub refused, or did not answer. */
  async #turnedAway(
    hub: string,
    { capId }: VerifiedToken,
    error: unknown,
    { actor, ...ids }: By
  ): Promise<never> {
    const reason = error instanceof OapError ? error.reason : undefined
    const told = EXCHANGE_REFUSALS.find(code => code === reason) ?? 'other'
    const data = { hub, role: 'origin', code: 'turned_away', told, origin_cap_id: capId } as const
    await this.#o.record(auditEvent('exchange_refused', actor, data, ids))
    throw error
  }

  async #refused(
    hub: string,
    { capId }: VerifiedToken,
    code: HolderRefusal | ExchangeRefusal,
    { actor, ...ids }: By
  ): Promise<OapError> {
    const data = { hub, role: 'origin', code, origin_cap_id: capId } as const
    await this.#o.record(auditEvent('exchange_refused', actor, data, ids))
    return new OapError('cap_denied', `no capability of another hub for this one: ${code}`, { reason: code })
  }
}

/** Caveats of a token that nothing at another hub could keep. */
const HOLDER_REFUSALS = ['peer', 'audience', 'origin', 'content'] as const
type HolderRefusal = (typeof HOLDER_REFUSALS)[number]

function holderRefusal({ limits, caveats }: VerifiedToken): HolderRefusal | undefined {
  if (limits.peer === undefined) return 'peer'
  return HOLDER_REFUSALS.find(key => key !== 'peer' && caveats.some(caveat => caveat.key === key))
}

const rightOf = ({ tenant, caveats }: VerifiedToken) => ({
  tenant,
  verbs: valuesOf(caveats, 'verb'),
  topics: valuesOf(caveats, 'topic')
})

function valuesOf<K extends CaveatKey>(caveats: readonly Caveat[], key: K): CaveatValues[K][] {
  return caveats.filter(caveat => caveat.key === key).map(({ value }) => value as CaveatValues[K])
}

/** What else the token bounds, the least of each. */
function boundsOf({ limits: { rates, streams, bytes, isReadOnly }, caveats }: VerifiedToken) {
  const lists = valuesOf(caveats, 'app')
  const apps = lists[0]?.filter(app => lists.every(list => list.includes(app)))
  return {
    ...(apps !== undefined && { apps: [...new Set(apps)].sort((a, b) => a - b) }),
    ...least('rate', rates),
    ...least('streams', streams),
    ...least('max_bytes', bytes),
    ...(isReadOnly && { read_only: true })
  }
}

const least = (name: 'rate' | 'streams' | 'max_bytes', limits: readonly { readonly most: number }[]) =>
  limits.length === 0 ? {} : { [name]: Math.min(...limits.map(({ most }) => most)) }

/** The agent is handed what its hub has looked at. @throws OapError `upstream` */
function checkToken(bytes: Uint8Array, hub: string, capId: string): void {
  let says: ReturnType<typeof inspectToken>
  try {
    says = inspectToken(bytes)
  } catch (cause) {
    throw new OapError('upstream', 'the other hub gave out what is no capability', { cause })
  }
  if (says.capId !== capId || says.hub !== hub)
    throw new OapError('upstream', 'the other hub gave out a capability of another')
}
