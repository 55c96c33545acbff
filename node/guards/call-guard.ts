import {
  EXCHANGE_VERB,
  OBTAIN_VERB,
  OapError,
  RENEW_VERB,
  capabilitiesService,
  refusalOf
} from '../../protocols/index.ts'
import type { CallHead, ConnectionState, Guard, Operation, VerifiedToken } from '../../protocols/index.ts'
import { holderRefusal, obtainRefusal } from '../capabilities/index.ts'
import type { GrantQuotas, PayingHub } from './grant-quotas.ts'
import type { GrantUse } from './grant.ts'
import type { Grants } from './grants.ts'
import { levelRefusal, shedRefusal } from './shed.ts'
import type { ShedOptions } from './shed.ts'
import type { TokenQuotas } from './token-quotas.ts'

/** What a refusal of a caller that proved a token, or has a grant, is recorded with. */
export interface Refused {
  readonly head: CallHead
  /** `cap:` and a capability id, or `hub:` and a hub id. */
  readonly principal: string
  readonly error: OapError
}

export interface CallGuardOptions extends ShedOptions {
  /** The hub id of this hub. */
  readonly hub: string
  readonly tokens: { verify(bytes: Uint8Array, now: number): VerifiedToken }
  /** Why a token that was whole is good no more: revoked, its tenant gone, its root key retired. */
  readonly withdrawal: (token: VerifiedToken) => OapError | undefined
  /** Verbs that need no capability; one that comes with such a call is not judged. */
  readonly openVerbs: { has(verb: string): boolean }
  /** Whether a token without a `peer` caveat is taken. */
  readonly takesBearer: boolean
  readonly quotas: TokenQuotas
  /** What connections of linked hubs may do without a capability. */
  readonly grants: Pick<Grants, 'of' | 'judge'>
  readonly grantQuotas: GrantQuotas
  /** The linked hub that pays for calls under a token which was given out for a right of its own. */
  readonly payerOf: (token: VerifiedToken) => PayingHub | undefined
  /** Whether calls of a peer were judged for coming late before they became calls. */
  readonly isJudged?: (peer: string) => boolean
  /** Milliseconds that never go back. */
  readonly now: () => number
  /** Unix seconds by the clock that cannot be set back. */
  readonly seconds: () => number
  /** Resolves once the refusal is recorded; undefined when it was only counted. */
  readonly record: (refused: Refused) => Promise<void> | undefined
}

/**
 * Who may: judges the token of a START against its row, then what tenant and capability may spend; without a token, the
 * grant of its connection in the same way. The connection's own budget has let the call through before; nothing that the
 * frame claims has been believed until here.
 */
export function createCallGuard(options: CallGuardOptions): Guard {
  const verified = new LastTokens(options)
  return head => {
    const { call, served } = head
    const shed = options.isJudged?.(call.peer)
      ? levelRefusal(options, served.row)
      : shedRefusal(options, served.row, { caller: call.peer, startedAt: call.startedAt })
    if (shed !== undefined) return shed
    const { verb } = served.row
    if (options.openVerbs.has(verb) && !NEVER_OPEN.includes(verb)) return undefined
    const isAnonymous = served.row.elseAnonymous === true
    if (head.cap.length === 0) return judgeGrant(options, head, isAnonymous)
    let token: VerifiedToken
    try {
      token = verified.of(head)
    } catch (error) {
      if (error instanceof OapError) return error
      throw error
    }
    const error = judge(options, token, head)
    if (error !== undefined && isAnonymous && isNoRight(error)) return undefined
    return error && recorded(options, { head, principal: `cap:${token.capId}`, error })
  }
}

/** The refusal, once it is recorded where it must be. */
function recorded({ record }: CallGuardOptions, refused: Refused): OapError | Promise<OapError> {
  const { error } = refused
  const recording = isProof(error) ? record(refused) : undefined
  // A log that fails keeps no refusal back; that it fails shows by itself.
  return recording === undefined
    ? error
    : recording.then(
        () => error,
        () => error
      )
}

/** Why a call under way may not go on, now that something was withdrawn or a grant is another. */
export const withdrawnSince =
  (withdrawal: CallGuardOptions['withdrawal'], grants: Pick<Grants, 'review'>) =>
  (call: CallHead['call']): OapError | undefined =>
    call.capability === undefined ? grants.review(call) : withdrawal(call.capability)

const missing = ({ served }: CallHead): OapError =>
  new OapError('cap_missing', `${served.row.verb} needs a capability`)

function judge(options: CallGuardOptions, token: VerifiedToken, head: CallHead): OapError | undefined {
  const { call, served, connection } = head
  const { row } = served
  const withdrawal = options.withdrawal(token)
  if (withdrawal !== undefined) return withdrawal
  if (token.limits.peer === undefined && !options.takesBearer)
    return new OapError('cap_denied', 'a capability without a peer is not taken here', { reason: 'peer' })
  const use = {
    verb: row.verb,
    app: call.app,
    topic: textOf(head, row.topic),
    content: textOf(head, row.content),
    bytes: head.bodyBytes,
    writes: row.writes === true,
    tenantId: call.tenantWire,
    peer: call.peer,
    hub: options.hub,
    now: options.seconds()
  }
  const denied = (JUDGED[row.verb] ?? refusalOf)(token, use)
  if (denied !== undefined) return denied
  connection.proved()
  call.capability = token
  const { quotas } = options
  const spent =
    quotas.refusal(token, call, isLong(row), options.now()) ??
    quotas.allow(token, call, head.bodyBytes, use.now)
  const payer = spent === undefined ? options.payerOf(token) : undefined
  return payer === undefined ? spent : options.grantQuotas.besides(payer, call, isLong(row), options.now())
}

/** Whoever calls these must be known by a token or a link: what they get depends on it. */
const NEVER_OPEN: readonly string[] = [RENEW_VERB, OBTAIN_VERB, EXCHANGE_VERB]

/** Verbs about the token itself, not about what it allows. */
const JUDGED: Readonly<Record<string, typeof refusalOf>> = {
  [RENEW_VERB]: holderRefusal,
  [OBTAIN_VERB]: obtainRefusal
}

/** The same for a call without a token: nobody renews what is no token. */
function judgeGrant(options: CallGuardOptions, head: CallHead, isAnonymous: boolean): ReturnType<Guard> {
  const { connection, call, served } = head
  const { row } = served
  const { grants, grantQuotas } = options
  const grant = row.verb === RENEW_VERB ? undefined : grants.of(connection)
  const verdict = grant && grants.judge(connection, useOf(head))
  if (grant === undefined || verdict === undefined) return isAnonymous ? undefined : missing(head)
  if (verdict instanceof OapError && isAnonymous && isNoRight(verdict)) return undefined
  if (verdict instanceof OapError)
    return recorded(options, { head, principal: grant.principal, error: verdict })
  call.granted = verdict
  // Who has spent all that there is must be able to take back what it gave out.
  if (row === capabilitiesService.operations.revoked) return undefined
  return grantQuotas.refusal(grant, call, isLong(row), options.now())
}

/** What a grant is asked about a call. */
function useOf(head: CallHead): Omit<GrantUse, 'now'> {
  const { row } = head.served
  return {
    verb: row.verb,
    isOfTopic: row.topic !== undefined,
    topic: textOf(head, row.topic),
    isOfContent: row.content !== undefined,
    changes: row.writes === true,
    share: head.header['share'],
    brings: row.writes === true && row.relieves !== true,
    tenantId: head.call.tenantWire
  }
}

const isLong = ({ kind, upload }: Operation): boolean => kind !== 'unary' || upload === true

/** A right that is good and does not reach so far: what is open to nobody in particular is open to its holder, too. */
const isNoRight = ({ counted, reason }: OapError): boolean =>
  counted === 'cap_denied' && reason !== 'max-bytes'

/** Refusals that say something about a right, not about a rate. */
const isProof = ({ counted }: OapError): boolean => counted === 'cap_denied' || counted === 'cap_revoked'

function textOf({ header }: CallHead, member: string | undefined): string | undefined {
  const value = member === undefined ? undefined : header[member]
  return typeof value === 'string' ? value : undefined
}

/** A peer sends the same token with each call: the last one of a connection is known by its bytes, unhashed. */
class LastTokens {
  readonly #options: CallGuardOptions
  readonly #last = new WeakMap<ConnectionState, Last>()

  constructor(options: CallGuardOptions) {
    this.#options = options
  }

  of({ connection, cap }: CallHead): VerifiedToken {
    const now = this.#options.now()
    if (connection.isOneCall === true) return this.#options.tokens.verify(cap, now)
    const last = this.#last.get(connection)
    if (last !== undefined && now < last.until && isSame(last.bytes, cap)) return last.token
    const token = this.#options.tokens.verify(cap, now)
    this.#last.set(connection, { bytes: cap.slice(), token, until: now + FRESH_MS })
    return token
  }
}

interface Last {
  readonly bytes: Uint8Array
  readonly token: VerifiedToken
  readonly until: number
}

/** As long as this the chain is not proved again; what was withdrawn is looked up for each call. */
const FRESH_MS = 250

const isSame = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && Buffer.compare(a, b) === 0
