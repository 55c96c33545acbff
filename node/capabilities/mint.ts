import { OapError, caveatText, clampRetryAfter, encodeToken, mint } from '../../protocols/index.ts'
import type { Caveat, TokenIdentifier, VerifiedToken } from '../../protocols/index.ts'
import { BucketTable } from '../guards/bucket-table.ts'
import { nodeMacaroonCrypto } from '../macaroon-crypto.ts'
import { commitment, record } from './audit.ts'
import type { By, CapabilityAudit } from './audit.ts'
import type { KeyRing } from './key-ring.ts'
import { mintTerms } from './mint-policy.ts'
import type { MintPolicy, MintRequest, MintTerms } from './mint-policy.ts'
import type { MintedList, MintedRight, RightElsewhere } from './minted-list.ts'
import { renewalTerms } from './renewal.ts'
import type { SteadyClock } from './steady-clock.ts'
import type { Tenants } from './tenants.ts'

const CAP_ID_BYTES = 16
/** Every renewal is an entry in the audit log, so no holder may have as many as they like. */
const RENEWALS_AT_ONCE = 10
const RENEWALS_IN_A_LIFE = 4
const REMEMBERED_RENEWALS = 4096

export interface MintOptions {
  readonly hub: string
  readonly keys: KeyRing
  readonly minted: MintedList
  readonly tenants: Tenants
  readonly audit: CapabilityAudit
  readonly clock: SteadyClock
  readonly policy: MintPolicy
}

export interface MintedToken {
  readonly capId: string
  readonly kid: number
  readonly tenant: string
  /** Unix seconds. */
  readonly expires: number
  readonly token: Uint8Array
}

/** A right in exchange for one of another hub. */
export interface ExchangedTerms extends MintTerms {
  /** The id of a tenant. */
  readonly tenant: string
  readonly origin: RightElsewhere
}

/** What a token is made of. */
interface Making extends MintTerms {
  readonly tenant: string
  readonly subject?: string | undefined
  readonly isBearer: boolean
  readonly origin?: RightElsewhere
}

export interface RenewedToken extends MintedToken {
  /** Unix seconds, by the clock that `expires` is judged by. */
  readonly now: number
}

/** Makes tokens. Nobody gets one that is not listed and recorded. */
export class Mint {
  readonly #o: MintOptions
  readonly #renewals = new BucketTable(REMEMBERED_RENEWALS)

  constructor(options: MintOptions) {
    this.#o = options
  }

  /** Throws `not_found` for a tenant that is not there, `bad_request`. */
  async make(request: MintRequest, by: By): Promise<MintedToken> {
    const { clock, policy } = this.#o
    const tenant = this.#tenant(request.tenant)
    const terms = mintTerms(request, clock.seconds(), policy)
    return this.#make(
      { ...terms, tenant, subject: request.subject, isBearer: request.peer === undefined },
      by
    )
  }

  /** A token in exchange for a right of another hub, bound to a peer. Throws as `make`. */
  async exchanged(terms: ExchangedTerms, by: By): Promise<MintedToken> {
    return this.#make({ ...terms, tenant: this.#tenant(terms.tenant), isBearer: false }, by)
  }

  #tenant(idOrName: string): string {
    const { id, name, state } = this.#o.tenants.find(idOrName)
    if (state !== 'active') throw new OapError('not_found', `tenant ${name}: was removed`)
    return id
  }

  async #make({ tenant, subject, caveats, verbs, expires, ttlS, isBearer, origin }: Making, by: By) {
    const { hub, keys, clock, minted, audit } = this.#o
    const nowS = clock.seconds()
    const capId = Buffer.from(nodeMacaroonCrypto.randomBytes(CAP_ID_BYTES)).toString('hex')
    const kid = keys.current
    const identifier = { capId, kid, tenant, iat: nowS, ...(subject !== undefined && { subject }) }
    const token = tokenBytesOf(hub, keys.currentChainKey, identifier, caveats)
    await minted.put({ capId, kids: [kid], tenant, verbs, expires, ttlS, ...(origin && { origin }) }, nowS)
    await record(audit, 'mint', by, {
      cap_id: capId,
      kid,
      tenant,
      expires_s: expires,
      bearer: isBearer,
      caveats: caveats.length,
      caveats_sha256: commitment(caveats.map(caveatText).join('\n'))
    })
    return { capId, kid, tenant, expires, token }
  }

  /**
   * The same right for longer, under the current root key. `token` has been verified, and was not taken back.
   * Throws `cap_expired`, `cap_denied` with the reason why it cannot be renewed, or `quota_capability`.
   */
  async renew(token: VerifiedToken, peer: string, corrId?: string): Promise<RenewedToken> {
    const { hub, keys, clock, minted, audit } = this.#o
    const now = clock.seconds()
    const { capId, tenant, subject, iat } = token
    const right = minted.get(capId)
    const { caveats, expires } = renewalTerms(token, right, { peer, hub, now })
    this.#takeRenewal(right!)
    const kid = keys.current
    const identifier = { capId, kid, tenant, iat, ...(subject !== undefined && { subject }) }
    const bytes = tokenBytesOf(hub, keys.currentChainKey, identifier, caveats)
    await minted.put(renewed(right!, kid, expires), now)
    const by: By = { actor: `cap:${capId}`, ...(corrId !== undefined && { corrId }) }
    await record(audit, 'renew', by, { cap_id: capId, kid, expires_s: expires })
    return { capId, kid, tenant, expires, token: bytes, now }
  }

  #takeRenewal({ capId, ttlS }: MintedRight): void {
    const now = this.#o.clock.now()
    const rate = { burst: RENEWALS_AT_ONCE, perSecond: RENEWALS_IN_A_LIFE / ttlS }
    const wait = this.#renewals.get(capId, rate, now).take(1, now)
    if (wait === 0) return
    throw new OapError('quota_capability', 'the capability is renewed too often', {
      retryAfterMs: clampRetryAfter(wait)
    })
  }
}

function tokenBytesOf(
  hub: string,
  key: Uint8Array,
  identifier: TokenIdentifier,
  caveats: readonly Caveat[]
): Uint8Array {
  const macaroon = mint(nodeMacaroonCrypto, { hub, key, ...identifier, caveats })
  try {
    return encodeToken({ macaroon, discharges: [] })
  } catch (error) {
    throw error instanceof OapError
      ? new OapError('bad_request', `this would not be a token: ${error.message}`)
      : error
  }
}

const renewed = (right: MintedRight, kid: number, expires: number): MintedRight => ({
  ...right,
  kids: right.kids.at(-1) === kid ? right.kids : [...right.kids, kid],
  expires: Math.max(right.expires, expires)
})
