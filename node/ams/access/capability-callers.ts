import { MAX_TOKEN_BYTES, OapError, refusalOf, tokenBytes } from '../../../protocols/index.ts'
import type { VerifiedToken } from '../../../protocols/index.ts'
import type { CapabilityCallers, JudgedCaller } from './identify.ts'
import type { TokenRole } from './static-tokens.ts'

/** What a capability must allow for each role, the greatest first. */
export const AMS_VERBS: readonly (readonly [TokenRole, string])[] = [
  ['admin', 'ams:admin'],
  ['write', 'ams:write'],
  ['read', 'ams:read']
]
/** What it must allow to release what is quarantined. */
export const MODERATE_VERB = 'ams:moderate'

const TOKEN_TEXT = /^[A-Za-z0-9_-]+$/
const MAX_TEXT = Math.ceil((MAX_TOKEN_BYTES * 4) / 3)
/** Where a call comes from that no libp2p connection brought: a capability of one peer is not that of whoever shows it. */
const NO_PEER = ''

export interface CapabilityCallersOptions {
  /** The hub id of this hub. */
  readonly hub: string
  /** The tenant in whose name callers act: its 16 bytes in the order of the wire. */
  readonly tenantId: Uint8Array
  /** The `app_proto_id` that `app` caveats are compared with. */
  readonly app: number
  readonly tokens: { verify(bytes: Uint8Array, now: number): VerifiedToken }
  /** Why a capability that was whole is good no more. */
  readonly withdrawal: (token: VerifiedToken) => OapError | undefined
  /** Milliseconds that never go back. */
  readonly now: () => number
  /** Unix seconds by the clock that cannot be set back. */
  readonly seconds: () => number
}

/**
 * Callers by the capability that they show: its role is the greatest whose verb it allows, with all that the role includes; what it allows a second is charged by it. One that bounds bytes of bodies,
 * topics, contents or the peer that may use it, or that another hub pays for, is good for nothing here, as none of that can
 * be kept to.
 */
export function capabilityCallers(options: CapabilityCallersOptions): CapabilityCallers {
  return {
    judge(text, { isAnyTaken = false } = {}) {
      if (text.length > MAX_TEXT || !TOKEN_TEXT.test(text)) return undefined
      try {
        const token = options.tokens.verify(tokenBytes(text), options.now())
        return isAnyTaken ? holderOf(options, token) : callerOf(options, token)
      } catch (error) {
        if (error instanceof OapError) return { problem: error.message }
        throw error
      }
    }
  }
}

/** Its rates are charged where it is judged, so that they are charged once. */
function holderOf(
  { withdrawal }: CapabilityCallersOptions,
  token: VerifiedToken
): ReturnType<CapabilityCallers['judge']> {
  const withdrawn = withdrawal(token)
  if (withdrawn !== undefined) return { problem: withdrawn.message }
  return { caller: { role: 'none', name: `cap:${token.capId}`, isModerator: false }, token: undefined }
}

function callerOf(
  options: CapabilityCallersOptions,
  token: VerifiedToken
): JudgedCaller | { readonly problem: string } {
  const withdrawn = options.withdrawal(token)
  if (withdrawn !== undefined) return { problem: withdrawn.message }
  if (token.limits.bytes.length > 0)
    return { problem: 'a capability with max-bytes is not taken over HTTP; ask for one without' }
  if (token.limits.origins.length > 0)
    return { problem: 'a capability that stands for a right of another hub is not taken over HTTP' }
  const refusals = AMS_VERBS.map(([role, verb]) => refusal(options, token, verb, role !== 'read'))
  const role = AMS_VERBS[refusals.indexOf(undefined)]?.[0]
  if (role === undefined) return { problem: messageOf(refusals) }
  const isModerator = role === 'admin' || refusal(options, token, MODERATE_VERB, true) === undefined
  return { caller: { role, name: `cap:${token.capId}`, isModerator }, token }
}

/** What is said of another caveat than the verb tells more. */
function messageOf(refusals: readonly (OapError | undefined)[]): string {
  const told = refusals.find(error => error?.reason !== 'verb') ?? refusals[0]
  return told?.message ?? 'the capability allows nothing here'
}

const refusal = (
  { tenantId, app, hub, seconds }: CapabilityCallersOptions,
  token: VerifiedToken,
  verb: string,
  writes: boolean
): OapError | undefined =>
  refusalOf(token, { verb, app, bytes: 0, writes, tenantId, peer: NO_PEER, hub, now: seconds() })
