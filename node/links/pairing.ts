import {
  MAX_INVITE_S,
  NO_PAIRINGS,
  SECRET_BYTES,
  pairCalled,
  inviteAuditId,
  inviteClosed,
  pairingConfirmed,
  decodeInvite,
  pairingDeclined,
  encodeInvite,
  proofFailed,
  inviteProblem,
  openInviteAt,
  inviteOpened,
  hubPaired,
  secretDigest,
  waitingPairings
} from '../../federation/index.ts'
import type {
  Established,
  Invite,
  Moment,
  Outcome,
  Pairings,
  Treaty,
  WaitingPairing
} from '../../federation/index.ts'
import { OapError, clampRetryAfter } from '../../protocols/index.ts'
import type { Allowlist } from '../allowlist/index.ts'
import { auditEvent } from '../audit/index.ts'
import type { AuditEvent } from '../audit/index.ts'
import type { By } from '../capabilities/index.ts'
import type { Log } from '../log.ts'

export interface PairingOptions {
  /** This hub's own id. */
  readonly self: string
  readonly allowlist: Pick<Allowlist, 'add' | 'get'>
  readonly now: () => Moment
  readonly random: (bytes: number) => Uint8Array
  /** Resolves once the event would survive a power cut. */
  readonly record: (event: AuditEvent) => Promise<unknown>
  readonly log: Pick<Log, 'info' | 'warn'>
}

export interface NewInvite {
  readonly ttlS?: number | undefined
  readonly addresses: readonly string[]
  readonly treaty: Treaty
}

/** What became of the newest invite of this node. */
export type InviteState = 'none' | 'open' | 'paired' | 'void' | 'expired'

type InviteChange = Parameters<typeof auditEvent<'invite'>>[2]

/** What a waiting pairing goes back to. */
interface Agreed {
  readonly treaty: Treaty
  /** What the audit log calls the invite; zeros for that of another hub. */
  readonly auditId: string
}

/**
 * Invites and pairings of a running node. Of an invite's secret only the SHA-256 stays here. Nothing of it is durable:
 * after a restart operators begin anew. What both confirmed stands in the allowlist.
 */
export class Pairing {
  readonly #o: PairingOptions
  #pairings: Pairings = NO_PAIRINGS
  #invite: { readonly auditId: string; readonly treaty: Treaty; state: InviteState } | undefined
  readonly #agreed = new Map<string, Agreed>()

  constructor(options: PairingOptions) {
    this.#o = options
  }

  /** SHA-256 of the open invite's secret. */
  openInvite(): Uint8Array | undefined {
    return openInviteAt(this.#pairings, this.#o.now().s)?.digest
  }

  /** Gives out an invite. Throws `bad_request` for addresses that do not fit in. */
  async invite(
    { ttlS = MAX_INVITE_S, addresses, treaty }: NewInvite,
    by: By
  ): Promise<{ readonly code: string; readonly expires: number; readonly addresses: readonly string[] }> {
    const secret = this.#o.random(SECRET_BYTES)
    const expires = this.#o.now().s + ttlS
    const code = codeOf({ hub: this.#o.self, addresses, secret, expires })
    const digest = secretDigest(secret)
    const invite = { auditId: inviteAuditId(digest), treaty, state: 'open' as const }
    await this.#record(by, { invite_sha256: invite.auditId, change: 'open', expires_s: expires })
    this.#pairings = inviteOpened(this.#pairings, { digest, expires })
    this.#invite = invite
    return { code, expires, addresses }
  }

  /** Somebody calls `pair`: false where no invite is open. Throws `quota_peer` within a second of another call. */
  admit(): boolean {
    const { pairings, refusal, retryAfterMs } = pairCalled(this.#pairings, this.#o.now())
    this.#pairings = pairings
    if (refusal === 'too_fast')
      throw new OapError('quota_peer', 'one pairing a second', {
        retryAfterMs: clampRetryAfter(retryAfterMs ?? 0)
      })
    return refusal === undefined
  }

  /** How a handshake of this node as responder ended. A wrong secret counts against the invite. */
  heard(outcome: Outcome): void {
    if (outcome.kind !== 'refused' || outcome.code !== 'wrong_secret' || this.#invite === undefined) return
    this.#pairings = proofFailed(this.#pairings)
    const isVoid = this.#pairings.open === undefined
    if (isVoid) this.#invite.state = 'void'
    this.#later({ invite_sha256: this.#invite.auditId, change: isVoid ? 'void' : 'failed' })
    if (isVoid)
      this.#o.log.warn({ event: 'InviteVoid' }, 'an invite is void: somebody tried to guess its secret')
  }

  /** The invite in `code`. Throws `bad_request` for one that cannot be used here or now. */
  accepting(code: string): { readonly invite: Invite; readonly secret: Uint8Array } {
    const invite = inviteIn(code)
    const problem = inviteProblem(invite, this.#o.now().s)
    if (problem === 'expired') throw new OapError('bad_request', 'code: has expired; ask for another invite')
    if (problem === 'too_long')
      throw new OapError('bad_request', 'code: ends too late; check the clocks of both machines')
    if (invite.hub === this.#o.self)
      throw new OapError('bad_request', 'code: is an invite of this hub itself')
    this.#checkNew(invite.hub)
    return { invite, secret: secretDigest(invite.secret) }
  }

  /**
   * A peer proved that it knows an invite, or this hub did so to the peer. Undefined where there is no room for it, and
   * where that invite is open no more.
   */
  paired(
    { hub, transcript, role, invite: proved }: Established,
    { addresses = [], treaty }: { readonly addresses?: readonly string[]; readonly treaty?: Treaty } = {}
  ): WaitingPairing | undefined {
    const { s } = this.#o.now()
    const isInviter = role === 'responder'
    const isNewest = proved !== undefined && this.#invite?.auditId === inviteAuditId(proved)
    const invite = isInviter && isNewest ? this.#invite : undefined
    const given = isInviter ? invite?.treaty : treaty
    const decided = hubPaired(this.#pairings, { hub, addresses, isInviter, transcript, invite: proved }, s)
    this.#pairings = decided.pairings
    if (invite?.state === 'open') invite.state = decided.refusal === undefined ? 'paired' : 'void'
    if (decided.refusal !== undefined || given === undefined) return undefined
    this.#agreed.set(hub, { treaty: given, auditId: invite?.auditId ?? NO_INVITE })
    if (isInviter && invite !== undefined)
      this.#later({ invite_sha256: invite.auditId, change: 'paired', hub })
    this.#o.log.info({ event: 'Paired', hub }, 'another hub paired; it waits for the operator to confirm')
    return waitingPairings(this.#pairings, s).find(one => one.hub === hub)
  }

  state(): {
    readonly invite: InviteState
    readonly expires: number | undefined
    readonly waiting: readonly WaitingPairing[]
  } {
    const { s } = this.#o.now()
    const open = openInviteAt(this.#pairings, s)
    const state = this.#invite?.state ?? 'none'
    return {
      invite: state === 'open' && open === undefined ? 'expired' : state,
      expires: open?.expires,
      waiting: waitingPairings(this.#pairings, s)
    }
  }

  /** Puts a hub on the allowlist whose operator saw the same fingerprint. Throws `not_found`, `conflict`. */
  async confirm(hub: string, fingerprint: string, by: By): Promise<void> {
    const { s } = this.#o.now()
    const decided = pairingConfirmed(this.#pairings, { hub, fingerprint }, s)
    if (decided.refusal === 'not_waiting')
      throw new OapError('not_found', `hub ${hub}: no pairing with it waits; begin anew with an invite`)
    const agreed = this.#agreed.get(hub)
    const { pairing } = decided
    if (pairing === undefined || agreed === undefined) {
      this.#pairings = decided.pairings
      this.#agreed.delete(hub)
      await this.#record(by, { invite_sha256: auditIdOf(agreed), change: 'declined', hub })
      throw new OapError(
        'conflict',
        'fingerprint: not the one of this pairing, which is over; somebody may stand between the two hubs'
      )
    }
    const { treaty } = agreed
    await this.#o.allowlist.add({ hub, addresses: pairing.addresses, treaty, note: '' }, by)
    // Much may have happened to invites and other pairings meanwhile.
    this.#pairings = pairingDeclined(this.#pairings, hub)
    this.#agreed.delete(hub)
    await this.#record(by, { invite_sha256: auditIdOf(agreed), change: 'confirmed', hub })
  }

  /** Ends a pairing that waits; without a hub, takes back the open invite. */
  async decline(hub: string | undefined, by: By): Promise<void> {
    const auditId =
      hub === undefined ? (this.#invite?.auditId ?? NO_INVITE) : auditIdOf(this.#agreed.get(hub))
    if (hub === undefined) {
      this.#pairings = inviteClosed(this.#pairings)
      if (this.#invite?.state === 'open') this.#invite.state = 'void'
    } else {
      this.#pairings = pairingDeclined(this.#pairings, hub)
      this.#agreed.delete(hub)
    }
    await this.#record(by, { invite_sha256: auditId, change: 'declined', ...(hub !== undefined && { hub }) })
  }

  /** Forgets what has run out; for a timer. */
  tick(): void {
    const { s } = this.#o.now()
    const waiting = waitingPairings(this.#pairings, s)
    if (waiting.length < this.#pairings.waiting.length) this.#pairings = { ...this.#pairings, waiting }
    for (const hub of this.#agreed.keys()) if (!waiting.some(one => one.hub === hub)) this.#agreed.delete(hub)
    if (this.#invite?.state === 'open' && openInviteAt(this.#pairings, s) === undefined) {
      this.#invite.state = 'expired'
      this.#pairings = inviteClosed(this.#pairings)
      this.#later({ invite_sha256: this.#invite.auditId, change: 'expired' })
    }
  }

  #checkNew(hub: string): void {
    if (this.#o.allowlist.get(hub) === undefined) return
    throw new OapError(
      'conflict',
      `hub ${hub}: is on the allowlist already; to pair anew, peer remove it first`
    )
  }

  async #record({ actor, ...ids }: By, data: InviteChange): Promise<void> {
    await this.#o.record(auditEvent('invite', actor, data, ids))
  }

  #later(data: InviteChange): void {
    this.#record({ actor: 'node' }, data).catch((err: unknown) => {
      this.#o.log.warn({ event: 'AuditMissed', err }, 'what became of an invite could not be recorded')
    })
  }
}

/** Stands for the invite of another hub, whose secret is not kept here. */
const NO_INVITE = '0'.repeat(64)

const auditIdOf = (agreed: Agreed | undefined): string => agreed?.auditId ?? NO_INVITE

function codeOf(invite: Invite): string {
  try {
    return encodeInvite(invite)
  } catch (error) {
    throw asRequest(error)
  }
}

function inviteIn(code: string): Invite {
  try {
    return decodeInvite(code.trim())
  } catch (error) {
    throw asRequest(error, 'code: ')
  }
}

const asRequest = (error: unknown, prefix = ''): unknown =>
  error instanceof SyntaxError
    ? new OapError('bad_request', `${prefix}${error.message}`, { cause: error })
    : error
