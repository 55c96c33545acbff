import { ERRORS } from '../../protocols/index.ts'
import type { ErrorCode, ErrorRow } from '../../protocols/index.ts'

export interface RefusalRow {
  /** The code that a refused initiator is told; undefined where nobody is told anything. */
  readonly told: RefusalCode | undefined
  /** The reason of OAP/1 under which it is counted, and whose status it has. */
  readonly counted: ErrorCode
  readonly message: string
}

const DENIED = 'not_allowlisted'

const open = (counted: ErrorCode, message: string) => ({ told: 'itself' as const, counted, message })
const hidden = (message: string) => ({ told: DENIED, counted: 'not_allowlisted' as const, message })

const ROWS = {
  malformed: open('bad_request', 'the message is not of its form'),
  out_of_order: open('conflict', 'the message does not come here in a handshake'),
  second_handshake: open('conflict', 'this connection has had its handshake'),
  stalled: open('slow_peer', 'the handshake took too long'),
  same_key: open('not_allowlisted', 'both ends have one node key'),
  reflected: open('not_allowlisted', 'the message is this node’s own'),
  relayed: open('not_allowlisted', 'the message is between other peers than this connection'),
  replayed: open('not_allowlisted', 'the message is of another handshake'),
  unknown_version: open('bad_request', 'no version in common'),
  unknown_algorithm: open('bad_request', 'no algorithm in common'),
  unknown_extension: open('bad_request', 'an extension that must be known is not'),
  other_federation: open('not_allowlisted', 'the peer is of another federation'),
  other_hub: { told: undefined, counted: 'not_allowlisted', message: 'another hub answers than was dialled' },
  not_allowlisted: open('not_allowlisted', 'this hub has not been allowed to federate'),
  no_invite: hidden('no invite is open'),
  wrong_secret: hidden('the secret is not that of the invite'),
  wrong_key: hidden('the hub did not delegate this peer, or the peer did not sign'),
  revoked: hidden('the delegation, the node or the hub is revoked'),
  expired_delegation: open('not_allowlisted', 'the delegation does not hold at this time'),
  expired_treaty: open('not_allowlisted', 'the treaty has expired')
} as const satisfies Record<string, Omit<RefusalRow, 'told'> & { readonly told: string | undefined }>

export type RefusalCode = keyof typeof ROWS

/** Why a handshake is refused, and what of it is told, in the order of the specification. @see specs/federation-handshake.md, section 7 */
export const REFUSALS: Readonly<Record<RefusalCode, RefusalRow>> = Object.fromEntries(
  Object.entries(ROWS).map(([code, row]) => [code, { ...row, told: row.told === 'itself' ? code : row.told }])
) as Readonly<Record<RefusalCode, RefusalRow>>

export const REFUSAL_CODES = Object.keys(ROWS) as readonly RefusalCode[]

/** Whether the answer must not show what was found: neither in its text nor in its time. */
export const isVeiled = (code: RefusalCode): boolean => REFUSALS[code].told === DENIED

/**
 * Whether a handshake that ended with this code, found here or told by the other side, would end so again until an operator
 * acts. What came too late, met another handshake, or found the other node busy or failing does not last.
 */
export function isLasting(code: string): boolean {
  const counted = isRefusal(code) ? REFUSALS[code].counted : code
  if (counted === 'conflict') return false
  const row: ErrorRow | undefined = (ERRORS as Readonly<Record<string, ErrorRow>>)[counted]
  return row === undefined || (!row.retryable && row.blame !== 'node')
}

const isRefusal = (code: string): code is RefusalCode => Object.hasOwn(REFUSALS, code)
