import type { KeyRevocationStatement } from '../../federation/index.ts'
import { OapError } from '../../protocols/index.ts'
import type { Allowlist } from '../allowlist/index.ts'
import { InTurn } from '../capabilities/in-turn.ts'
import { readHubKey } from '../hub-key.ts'
import { hubFileOf, revokeNodeKey } from '../identity/index.ts'
import { OwnKeys, PeerKeys } from '../peer-keys/index.ts'
import type { OwnRecords } from '../peer-keys/index.ts'
import { SetupError } from '../setup-error.ts'
import type { NodeStore } from '../stores/node-store.ts'
import type { NodeAudit } from './audit.ts'
import type { NodeBase } from './base.ts'
import type { Rights } from './capabilities.ts'
import type { Identity } from './identity.ts'

/** What is known of the keys of other hubs, and what this hub says of its own. */
export interface NodePeerKeys {
  readonly known: PeerKeys
  readonly own: OwnKeys
  /** Has the hub key revoke a key, in hex. Throws `conflict` where it does not lie open here, `bad_request`. */
  readonly revoke: (key: string, reason: string) => Promise<KeyRevocationStatement>
}

export interface PeerKeysPlace {
  readonly store: NodeStore
  readonly audit: NodeAudit
  readonly rights: Pick<Rights, 'seconds'>
  readonly allowlist: Allowlist
}

/** Opens what is known of the keys of other hubs. @throws SetupError `newerFormat` */
export async function openPeerKeys(
  base: NodeBase,
  identity: Identity,
  { store, audit, rights: { seconds }, allowlist }: PeerKeysPlace
): Promise<NodePeerKeys> {
  const { log, metrics } = base
  const known = await PeerKeys.open(() => store.level, {
    isAllowed: hub => allowlist.get(hub) !== undefined,
    record: event => audit.append(event),
    seconds,
    onDamaged: row =>
      log.error({ event: 'PeerKeyDamaged', row }, 'what was known of a key of another hub is damaged')
  })
  for (const { hub } of allowlist.list()) {
    const { successor } = known.book(hub)
    if (successor !== undefined)
      log.warn(
        { event: 'SuccessionUnfinished', hub, successor },
        'a hub that goes on as another has an entry, and nobody links by it: run peer succeed, or peer remove'
      )
  }
  metrics.gauge('quarantined_hubs', 'Hubs on the allowlist whose link is in quarantine.', () => {
    return allowlist.list().filter(({ hub }) => known.quarantine(hub) !== undefined).length
  })
  return { known, own: new OwnKeys(() => ownRecords(base, identity)), revoke: revoking(identity, audit) }
}

async function ownRecords({ log }: NodeBase, { folder, keys }: Identity): Promise<OwnRecords> {
  const alone = { delegations: keys.delegations, revocations: [], successions: [] }
  if (folder === undefined) return alone
  try {
    return await hubFileOf(folder.folder, Date.now())
  } catch (err) {
    if (!(err instanceof SetupError)) throw err
    log.error({ event: 'OwnKeysDamaged', err }, 'linked hubs are told of the node key alone')
    return alone
  }
}

function revoking({ folder, keys }: Identity, audit: NodeAudit): NodePeerKeys['revoke'] {
  const turns = new InTurn()
  return (key, reason) =>
    turns.run(async () => {
      const hubKey = folder && (await readHubKey(folder.keys))
      if (folder === undefined || hubKey === undefined)
        throw new OapError(
          'conflict',
          'the hub key does not lie open beside this node: stop the node, and run key revoke again'
        )
      const log = { append: audit.append.bind(audit) }
      try {
        const by = { folder, keys, hubKey, log, nowMs: Date.now() }
        return (await revokeNodeKey(by, { key, reason })).statement
      } catch (error) {
        if (!(error instanceof SetupError)) throw error
        throw new OapError(error.reason === 'usage' ? 'bad_request' : 'conflict', error.message, {
          cause: error
        })
      }
    })
}
