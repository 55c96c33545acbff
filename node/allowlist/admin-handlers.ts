import type { Treaty } from '../../federation/index.ts'
import { OapError } from '../../protocols/index.ts'
import type { Handlers, PeerRow, federationAdminOperations } from '../../protocols/index.ts'
import { operatorOf } from '../capabilities/audit.ts'
import type { AllowedHub, Allowlist } from './allowlist.ts'
import type { PeerKeys } from '../peer-keys/index.ts'
import { keyHandlers } from './key-handlers.ts'
import type { LinkStates } from './link-states.ts'
import { treatyValue } from './treaty-text.ts'
import { FIRST_TREATY, differencesOf } from './treaty.ts'

export type FederationAdmin = Handlers<typeof federationAdminOperations>

/** Where this node stands in its federation. */
export interface Standing {
  readonly federation: string
  readonly hub: string
  readonly addresses: readonly string[]
  readonly only_private_addresses: boolean
  /** How acceptance policy and quarantine stand, of a running node. */
  readonly policy_version?: number
  readonly policy_hash?: string
  readonly policy_problem?: string
  readonly held_items?: number
  readonly held_bytes?: number
  /** The newest snapshot of this hub, and of how many others one is kept; absent where there is none. */
  readonly snapshot_seq?: number
  readonly snapshot_created?: number
  readonly snapshot_hubs?: number
  /** Directed messages that wait for other hubs; absent where there are none. */
  readonly outbox_messages?: number
}

export interface FederationAdminOptions {
  readonly allowlist: () => Allowlist
  /** What is known of the keys of hubs. */
  readonly keys: () => PeerKeys
  readonly links: LinkStates
  readonly standing: () => Standing
  /** How it stands with what a hub shares; nothing while the node does not run. */
  readonly reconciled?: (hub: string) => Reconciled
}

/** Of the shared messages of one hub. */
export interface Reconciled {
  readonly lag: number
  readonly gap: number
  /** Unix seconds. */
  readonly at: number | undefined
}

/** The operator's rows about hubs that may federate: for the admin socket, and for the folder of a stopped node. */
export function federationAdmin({
  allowlist,
  keys,
  links,
  standing,
  reconciled
}: FederationAdminOptions): FederationAdmin {
  const rowOf = (entry: AllowedHub): PeerRow =>
    peerRow(entry, { allowlist: allowlist(), keys: keys(), links, reconciled })

  return {
    federation_status: () => {
      const rows = allowlist().list().map(rowOf)
      return {
        ...standing(),
        allowed: rows.filter(({ state }) => state === 'allowed').length,
        expired: rows.filter(({ state }) => state === 'expired').length,
        quarantined: rows.filter(({ state }) => state === 'quarantined').length,
        up: rows.filter(({ link }) => link === 'up').length
      }
    },

    peer_list: () => each(allowlist().list().map(rowOf)),

    peer_show: ({ hub }) => rowOf(allowlist().find(hub)),

    peer_add: async ({ hub, addresses, note = '', body = NOTHING }, call) => {
      const treaty = body.length === 0 ? FIRST_TREATY : treatyOf(allowlist(), body)
      return rowOf(await allowlist().add({ hub, addresses, treaty, note }, operatorOf(call)))
    },

    peer_edit: async ({ hub, addresses, note }, call) => {
      const edit = { ...(addresses && { addresses }), ...(note !== undefined && { note }) }
      if (Object.keys(edit).length === 0)
        throw new OapError('bad_request', 'say what to change: addresses or note')
      return rowOf(await allowlist().edit(hub, edit, operatorOf(call)))
    },

    peer_remove: async ({ hub }, call) => {
      const row = rowOf(await allowlist().remove(hub, operatorOf(call)))
      // Who removes a hub has decided.
      await keys().release(hub)
      await keys().forget(hub)
      return row
    },

    ...keyHandlers({ allowlist, keys, rowOf }),

    treaty_show: ({ hub }) => {
      const entry = allowlist().find(hub)
      const { state, source } = rowOf(entry)
      const { theirs } = links.of(hub)
      const both = theirs && { theirs, differences: differencesOf(entry.treaty, theirs) }
      return { hub, state, source, body: jsonBytes({ treaty: entry.treaty, ...both }) }
    },

    treaty_edit: async ({ hub, body = NOTHING }, call) =>
      rowOf(await allowlist().edit(hub, { treaty: treatyOf(allowlist(), body) }, operatorOf(call))),

    treaty_check: ({ hub, body = NOTHING }) => {
      const read = allowlist().judge(valueOf(body))
      const problems = 'problems' in read ? read.problems : []
      const theirs = hub === undefined ? undefined : links.of(allowlist().find(hub).hub).theirs
      const differences = 'value' in read && theirs ? differencesOf(read.value, theirs) : []
      return {
        ok: problems.length === 0,
        knows_theirs: theirs !== undefined,
        body: jsonBytes({ problems, differences })
      }
    }
  }
}

const NOTHING = new Uint8Array(0)

const jsonBytes = (value: object): Uint8Array => Buffer.from(JSON.stringify(value))

/** The treaty in the body of a request. Throws `bad_request` with all that is wrong with it. */
export function treatyOf(allowlist: Pick<Allowlist, 'judge'>, body: Uint8Array): Treaty {
  const read = allowlist.judge(valueOf(body))
  if ('value' in read) return read.value
  throw new OapError('bad_request', `treaty: ${read.problems.join('; ')}`)
}

function valueOf(body: Uint8Array): unknown {
  const read = treatyValue(Buffer.from(body).toString())
  if ('value' in read) return read.value
  throw new OapError('bad_request', `treaty: ${read.problem}`)
}

interface About {
  readonly allowlist: Allowlist
  readonly keys: PeerKeys
  readonly links: LinkStates
  readonly reconciled: FederationAdminOptions['reconciled']
}

function peerRow(entry: AllowedHub, { allowlist, keys, links, reconciled }: About): PeerRow {
  const { hub, addresses, note, source, changedAt, treaty } = entry
  const { link, why, since, theirs } = links.of(hub)
  const { delegations, revocations } = keys.book(hub)
  const quarantine = keys.quarantine(hub)
  const successor = keys.successors(hub).at(-1)
  const shared = treaty.rows.length === 0 ? undefined : reconciled?.(hub)
  return {
    hub,
    addresses: [...addresses],
    note,
    source,
    state: allowlist.isOver(entry) ? 'expired' : quarantine === undefined ? 'allowed' : 'quarantined',
    ...(quarantine !== undefined && { quarantine }),
    ...(successor !== undefined && { successor }),
    delegations: delegations.length,
    revoked_keys: revocations.length,
    shares: treaty.rows.length,
    ...(shared && { lag: shared.lag, gap: shared.gap }),
    ...(shared?.at !== undefined && { reconciled_at: shared.at }),
    ...(theirs && { differs: differencesOf(treaty, theirs).length }),
    verbs: [...treaty.verbs],
    ...(treaty.expires !== undefined && { expires: treaty.expires }),
    ...(changedAt !== undefined && { changed_at: changedAt }),
    link,
    why,
    ...(since !== undefined && { since })
  }
}

async function* each<T>(rows: readonly T[]): AsyncGenerator<T> {
  yield* rows
}
