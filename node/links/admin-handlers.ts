import { MAX_INVITE_ADDRESSES } from '../../federation/index.ts'
import { OapError } from '../../protocols/index.ts'
import type { Handlers, linksAdminOperations } from '../../protocols/index.ts'
import type { Connection } from '@libp2p/interface'
import type {
  Established,
  KeyRevocationStatement,
  Outcome,
  Treaty,
  WaitingPairing
} from '../../federation/index.ts'
import { FIRST_TREATY, treatyOf } from '../allowlist/index.ts'
import type { Allowlist } from '../allowlist/index.ts'
import { operatorOf } from '../capabilities/index.ts'
import type { By } from '../capabilities/index.ts'
import type { Pairing } from './pairing.ts'
import { hangUp } from './peer-calls.ts'

const DIAL_MS = 10_000
const EMPTY = new Uint8Array(0)

export type LinksAdmin = Handlers<typeof linksAdminOperations>

export interface LinksAdminOptions {
  readonly allowlist: Pick<Allowlist, 'judge'>
  readonly pairing: Pairing
  readonly dial: (address: string, signal: AbortSignal) => Promise<Connection>
  /** Shakes hands for a pairing with `secret`. */
  readonly shake: (
    connection: Connection,
    hub: string,
    signal: AbortSignal,
    secret: Uint8Array
  ) => Promise<Outcome>
  /** Where this node can be dialled. */
  readonly addresses: () => readonly string[]
  /** A hub was confirmed, and is on the allowlist. */
  readonly confirmed: (hub: string) => void
  /** Has the hub key revoke a key (hex), and tells linked hubs. Throws `conflict` where it does not lie open here. */
  readonly revokeKey: (key: string, reason: string) => Promise<KeyRevocationStatement>
  readonly relay: (
    request: { readonly hub: string; readonly app: number; readonly payload: Uint8Array },
    by: By,
    signal: AbortSignal
  ) => Promise<Uint8Array>
}

/** The operator's rows about pairing and calls over links, of a running node. */
export function linksAdmin(o: LinksAdminOptions): LinksAdmin {
  const { allowlist, pairing } = o
  const treatyIn = (body: Uint8Array): Treaty =>
    body.length === 0 ? FIRST_TREATY : treatyOf(allowlist, body)

  return {
    pair_invite: ({ ttl_s, addresses = o.addresses(), body = EMPTY }, call) =>
      pairing.invite(
        { ttlS: ttl_s, addresses: addresses.slice(0, MAX_INVITE_ADDRESSES), treaty: treatyIn(body) },
        operatorOf(call)
      ),

    pair_accept: async ({ code, body = EMPTY }, call) => {
      const treaty = treatyIn(body)
      const { invite, secret } = pairing.accepting(code)
      const signal = AbortSignal.any([call.signal, AbortSignal.timeout(DIAL_MS)])
      const problems: string[] = []
      for (const address of invite.addresses) {
        const outcome = await attempt(o, { address, hub: invite.hub, secret }, signal)
        if (typeof outcome !== 'string') {
          const waiting = pairing.paired(outcome, { addresses: invite.addresses, treaty })
          if (waiting !== undefined) return rowOf(waiting)
        }
        problems.push(typeof outcome === 'string' ? `${address}: ${outcome}` : 'too many pairings wait')
      }
      throw new OapError('conflict', `no pairing: ${problems.join('; ')}`)
    },

    pair_state: () => {
      const { invite, expires, waiting } = pairing.state()
      return { invite, ...(expires !== undefined && { expires }), waiting: waiting.map(rowOf) }
    },

    pair_confirm: async ({ hub, fingerprint }, call) => {
      await pairing.confirm(hub, fingerprint, operatorOf(call))
      o.confirmed(hub)
      return { hub }
    },

    pair_decline: async ({ hub }, call) => {
      await pairing.decline(hub, operatorOf(call))
      return {}
    },

    key_revoke: ({ key, reason }) => o.revokeKey(key, reason),

    relay: async ({ hub, app, body = EMPTY }, call) =>
      o.relay({ hub, app, payload: body }, operatorOf(call), call.signal)
  }
}

interface Attempt {
  readonly address: string
  readonly hub: string
  readonly secret: Uint8Array
}

/** A pairing, or why an address led to none; the connection has served its purpose either way. */
async function attempt(
  { dial, shake }: LinksAdminOptions,
  { address, hub, secret }: Attempt,
  signal: AbortSignal
): Promise<Established | string> {
  let connection: Connection | undefined
  try {
    connection = await dial(address, signal)
    const outcome = await shake(connection, hub, signal, secret)
    return 'code' in outcome ? refusedText(outcome.code) : outcome
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  } finally {
    if (connection !== undefined) hangUp(connection, 'the pairing is over')
  }
}

// A node tells every stranger the same, so that is all that is known of an invite which it does not take.
const refusedText = (code: string): string =>
  code === 'not_allowlisted'
    ? `refused, ${code}; the invite was used, has expired or was taken back: ask for a new one`
    : `refused, ${code}`

const rowOf = ({ hub, fingerprint, isInviter, expires }: WaitingPairing) => ({
  hub,
  fingerprint,
  is_inviter: isInviter,
  expires
})
