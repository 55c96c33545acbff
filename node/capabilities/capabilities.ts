import type { RevocationHeadStatement, Signed } from '../../federation/index.ts'
import { OapError, refusalOf, verifyToken } from '../../protocols/index.ts'
import type { CapabilityUse, HeldKeys, TokenIdentifier, VerifiedToken } from '../../protocols/index.ts'
import type { PayingHub } from '../guards/grant-quotas.ts'
import { nodeMacaroonCrypto } from '../macaroon-crypto.ts'
import { commitment, record } from './audit.ts'
import type { By } from './audit.ts'
import type { KeptCapabilities } from './folder.ts'
import { InTurn } from './in-turn.ts'
import type { KeyDelegation } from './key-delegation.ts'
import type { RotateOptions, Rotation } from './key-ring.ts'
import type { MintRequest } from './mint-policy.ts'
import { Mint } from './mint.ts'
import type { ExchangedTerms, MintOptions, MintedToken, RenewedToken } from './mint.ts'
import type { MintedRight, RightElsewhere } from './minted-list.ts'
import type { Revoked, SignedRevocation } from './revocation-statement.ts'
import type { AppLimits, Tenant } from './tenants.ts'

/** Statements in one answer: they fit one JSON object with room to spare. */
export const MAX_STATEMENTS_AT_ONCE = 32

export type CapabilitiesOptions = KeptCapabilities &
  MintOptions & {
    /** What is stored ends with the process while keys and revocations stay, so no right may change. */
    readonly isPassing?: boolean
  }

/** Whose signature revocations have from now on. */
export interface RevocationKey {
  readonly epoch: number
  /** In hex. */
  readonly publicKey: string
}

export interface RevocationPage {
  /** Of the newest statement that there is. */
  readonly seq: number
  readonly statements: readonly SignedRevocation[]
  /** Of each epoch of the key that signs, the first first. */
  readonly delegations: readonly KeyDelegation[]
}

/** What is known of rights of other hubs. */
export interface RightsElsewhere {
  /** Why one is good no more; undefined while it is. */
  withdrawal(right: RightElsewhere): OapError | undefined
  /** Who pays for calls under what was given out for it. */
  payerOf(right: RightElsewhere): PayingHub | undefined
}

/**
 * The rights that a hub gives out and takes back. Whatever changes one is durable, and recorded, before it is answered;
 * a right that is taken back is refused from the moment that this is durable, recorded or not. One that is passing throws
 * `conflict` for every change: a token would outlive what is known of it, and a tenant that was removed would be back.
 */
export class Capabilities {
  /** The root keys of the moment, as verification asks for them. */
  readonly keys: HeldKeys
  readonly #o: CapabilitiesOptions
  readonly #turns = new InTurn()
  readonly #mint: Mint
  #elsewhere: RightsElsewhere = NOTHING_ELSEWHERE
  readonly #listeners = new Set<() => void>()

  constructor(options: CapabilitiesOptions) {
    this.#o = options
    this.#mint = new Mint(options)
    const { keys, clock, revocations } = options
    this.keys = {
      get current() {
        return keys.current
      },
      chainKey: kid => keys.chainKeyOf(kid, clock.now())
    }
    revocations.onMove(() => this.#changed())
  }

  /** `revocation_seq` of HELLO. */
  get revocationSeq(): number {
    return this.#o.revocations.seq
  }

  /** Why a token that was whole is good no more; undefined while it is. Costs a few look-ups. */
  withdrawal(token: TokenIdentifier & Pick<VerifiedToken, 'limits'>): OapError | undefined {
    const { capId, kid, subject, tenant, limits } = token
    const { revocations, keys, clock, tenants } = this.#o
    const revoked = revocations.revokedOf({ capId, kid, subject })
    if (revoked !== undefined) return new OapError('cap_revoked', undefined, { reason: revoked })
    if (!tenants.isActive(tenant))
      return new OapError('cap_revoked', 'the tenant of the capability is gone', { reason: 'tenant' })
    if (keys.chainKeyOf(kid, clock.now()) === undefined)
      return new OapError('cap_expired', 'the root key of the capability is retired', { reason: 'kid' })
    return limits.origins.length === 0 ? undefined : this.#withdrawalElsewhere(token)
  }

  /** From now on tokens that were given out for rights of other hubs are judged; before that, none is good. */
  judgeElsewhere(judge: RightsElsewhere): void {
    this.#elsewhere = judge
  }

  /** The linked hub that pays for calls under a token; undefined where it was given out for no right of one. */
  payerOf(token: Pick<VerifiedToken, 'capId' | 'limits'>): PayingHub | undefined {
    const origin = this.#originOf(token)
    return origin && this.#elsewhere.payerOf(origin)
  }

  #originOf({ capId, limits }: Pick<VerifiedToken, 'capId' | 'limits'>): RightElsewhere | undefined {
    return limits.origins.length === 0 ? undefined : this.#o.minted.get(capId)?.origin
  }

  #withdrawalElsewhere(token: Pick<VerifiedToken, 'capId' | 'limits'>): OapError | undefined {
    const origin = this.#originOf(token)
    const isOf = ({ hub, capId }: { readonly hub: string; readonly capId: string }): boolean =>
      hub === origin?.hub && capId === origin.capId
    return origin !== undefined && token.limits.origins.every(isOf)
      ? this.#elsewhere.withdrawal(origin)
      : unknownRight()
  }

  /** Why a token would not be good for a call now, whoever judges its rates; undefined if it would. */
  refusal(token: Uint8Array, use: Omit<CapabilityUse, 'hub' | 'now'>): OapError | undefined {
    const { hub, clock } = this.#o
    try {
      const proved = verifyToken(token, { crypto: nodeMacaroonCrypto, hub, keys: this.keys })
      return this.withdrawal(proved) ?? refusalOf(proved, { ...use, hub, now: clock.seconds() })
    } catch (error) {
      if (error instanceof OapError) return error
      throw error
    }
  }

  /** What a tenant may spend on an app. */
  limitsOf(tenant: string, app: number): AppLimits {
    return this.#o.tenants.limitsOf(tenant, app)
  }

  /**
   * Calls `listener` when something may have been taken back, until the function that it gives is called: what was
   * verified must be forgotten then, and calls under way judged again. Of a root key whose grace is over it
   * hears at the next `tidy`.
   */
  onWithdrawal(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** A new token. Throws `not_found` for a tenant that is not there, `bad_request`. */
  async mint(request: MintRequest, by: By): Promise<MintedToken> {
    this.#checkLasting()
    return this.#mint.make(request, by)
  }

  /** A token in exchange for a right of another hub. Throws as `mint`. */
  async exchange(terms: ExchangedTerms, by: By): Promise<MintedToken> {
    this.#checkLasting()
    return this.#mint.exchanged(terms, by)
  }

  /** Where the list of revocations stands now, signed; undefined while the hub key has not signed for its key. */
  revocationHead(): Signed<RevocationHeadStatement> | undefined {
    const { revocations, signing, clock } = this.#o
    return signing.delegations.length === 0 ? undefined : revocations.signedHead(clock.seconds())
  }

  /** Calls `listener` when there are more statements, or another key signs them. */
  onRevocation(listener: () => void): () => void {
    return this.#o.revocations.onMove(listener)
  }

  /**
   * The same right for longer, under the current root key. `token` has been verified, and belongs to the call.
   * Throws `cap_expired`, `cap_revoked`, `cap_denied` with the reason why it cannot be renewed, or `quota_capability`.
   */
  async renew(token: VerifiedToken, peer: string, corrId?: string): Promise<RenewedToken> {
    const withdrawal = this.withdrawal(token)
    if (withdrawal !== undefined) throw withdrawal
    this.#checkLasting()
    return this.#mint.renew(token, peer, corrId)
  }

  /** A new root key. Throws `bad_request`, `conflict`. */
  rotate(options: RotateOptions, by: By): Promise<Rotation> {
    return this.#changing(async () => {
      const { keys, clock } = this.#o
      const now = clock.now()
      const rotation = await keys.rotate(now, options)
      this.#changed()
      const { kid, previous, graceUntil = now } = rotation
      await record(this.#o.audit, 'rotate', by, {
        kid,
        previous,
        grace_s: Math.floor((graceUntil - now) / 1000),
        break_glass: options.breakGlass === true
      })
      return rotation
    })
  }

  /** A new key that signs revocations, by the word of the hub key. Throws `conflict` while that is not here. */
  rotateRevocationKey(by: By): Promise<RevocationKey> {
    return this.#changing(async () => {
      const { signing, revocations, clock, audit } = this.#o
      const after = await revocations.standing()
      const signer = await signing.replace(Math.max(clock.seconds(), revocations.lastAt), after)
      revocations.signBy(signer)
      const { epoch, publicKey } = signer
      await record(audit, 'revocation_key', by, { epoch, key_sha256: commitment(publicKey) })
      return { epoch, publicKey }
    })
  }

  /**
   * Takes back what was given out; resolves with how many statements that took, 0 when it had been taken back before.
   * With a root key fall the rights that were renewed from it, too. Throws `bad_request`, `conflict`.
   */
  revoke(thing: Revoked, reason: string | undefined, by: By): Promise<number> {
    return this.#changing(async () => {
      const { revocations, keys, clock } = this.#o
      if ('kid' in thing && thing.kid >= keys.current)
        throw new OapError(
          'conflict',
          `kid ${thing.kid}: mints still, or is none; rotate first, with --break-glass`
        )
      let statements = 0
      let more: number
      do {
        // Again, because what was renewed while the first were written is not among them.
        more = await revocations.revoke([thing, ...this.#renewedFrom(thing)], {
          reason,
          nowS: clock.seconds()
        })
        statements += more
      } while (more > 0)
      const data = { ...recorded(thing), ...reasonOf(reason), revocation_seq: this.revocationSeq }
      await record(this.#o.audit, 'revoke', by, data)
      return statements
    })
  }

  #renewedFrom(thing: Revoked): Revoked[] {
    return 'kid' in thing ? this.#o.minted.renewedFrom(thing.kid).map(({ capId }) => ({ cap_id: capId })) : []
  }

  /** Statements after a sequence, as many as fit one answer. */
  revocationsFrom(seq: number): RevocationPage {
    const { revocations, signing } = this.#o
    const statements = revocations.from(seq, MAX_STATEMENTS_AT_ONCE)
    return { seq: revocations.seq, statements, delegations: signing.delegations }
  }

  /** The rights with a living token, the one that ends first first. */
  list(): MintedRight[] {
    return this.#o.minted.living(this.#o.clock.seconds())
  }

  tenants(): Tenant[] {
    return this.#o.tenants.list()
  }

  /** True when there is a tenant of this id that was not removed. */
  isActive(id: string): boolean {
    return this.#o.tenants.isActive(id)
  }

  /** True when the tenant of this id is gone for ever, and nothing of it is to be kept. */
  isPurged(id: string): boolean {
    return this.#o.tenants.isPurged(id)
  }

  /** Throws `not_found`. */
  tenant(idOrName: string): Tenant {
    return this.#o.tenants.find(idOrName)
  }

  addTenant(
    { name, id }: { readonly name: string; readonly id?: string | undefined },
    by: By
  ): Promise<Tenant> {
    return this.#changing(async () => {
      const tenant = await this.#o.tenants.add(name, id, this.#o.clock.seconds())
      await record(this.#o.audit, 'tenant', by, { tenant: tenant.id, change: 'add' })
      return tenant
    })
  }

  /** The first tenant of a hub that never had one; undefined when it has. */
  begin(name: string): Promise<Tenant | undefined> {
    return this.#turns.run(async () => {
      const tenant = await this.#o.tenants.begin(name, this.#o.clock.seconds())
      if (tenant !== undefined)
        await record(this.#o.audit, 'tenant', { actor: 'node' }, { tenant: tenant.id, change: 'add' })
      return tenant
    })
  }

  /** Undefined limits go back to the defaults. Throws `not_found`, `conflict`. */
  limitTenant(
    idOrName: string,
    { limits, app }: { readonly limits: Partial<AppLimits> | undefined; readonly app?: number | undefined },
    by: By
  ): Promise<Tenant> {
    return this.#changing(async () => {
      const tenant = await this.#o.tenants.limit(this.tenant(idOrName).id, limits, app)
      const limits_sha256 = commitment(JSON.stringify([tenant.limits, tenant.apps]))
      await record(this.#o.audit, 'tenant', by, { tenant: tenant.id, change: 'limit', limits_sha256 })
      return tenant
    })
  }

  /** Its tokens are refused from now on; with `purge`, all but its id is forgotten. Throws `not_found`. */
  removeTenant(idOrName: string, { purge }: { readonly purge: boolean }, by: By): Promise<Tenant> {
    return this.#changing(async () => {
      const { tenants, minted, clock } = this.#o
      const before = this.tenant(idOrName)
      const { state } = await tenants.remove(before.id, { purge })
      this.#changed()
      if (purge) await minted.forget(clock.seconds(), before.id)
      await record(this.#o.audit, 'tenant', by, { tenant: before.id, change: purge ? 'purge' : 'remove' })
      return { ...before, state }
    })
  }

  /** Forgets what has run out: root keys whose grace is over, rights without a living token. For a timer. */
  tidy(): Promise<void> {
    return this.#turns.run(async () => {
      const { keys, minted, clock } = this.#o
      if (await keys.forgetExpired(clock.now())) this.#changed()
      await minted.forget(clock.seconds())
    })
  }

  /** Runs `action` while no root key, revocation or tenant changes. */
  still<T>(action: () => Promise<T>): Promise<T> {
    return this.#turns.run(action)
  }

  async #changing<T>(change: () => Promise<T>): Promise<T> {
    this.#checkLasting()
    return this.#turns.run(change)
  }

  #checkLasting(): void {
    if (this.#o.isPassing !== true) return
    throw new OapError(
      'conflict',
      'this node was started with --ephemeral and keeps no change of rights: start it without --ephemeral first'
    )
  }

  #changed(): void {
    for (const listener of this.#listeners) listener()
  }
}

const unknownRight = (): OapError =>
  new OapError('cap_revoked', 'nothing is known of the right elsewhere that it stands in for', {
    reason: 'origin'
  })

const NOTHING_ELSEWHERE: RightsElsewhere = { withdrawal: unknownRight, payerOf: () => undefined }

function recorded(thing: Revoked) {
  if ('cap_id' in thing) return { cap_id: thing.cap_id }
  return 'kid' in thing ? { kid: thing.kid } : { subject_sha256: commitment(thing.subject) }
}

const reasonOf = (reason: string | undefined) =>
  reason === undefined || reason === '' ? {} : { reason_sha256: commitment(reason) }
