import { OapError } from '../../protocols/index.ts'
import type { Handlers, snapshotsAdminOperations } from '../../protocols/index.ts'
import { operatorOf } from '../capabilities/index.ts'
import { checkHubId } from '../hub-id-check.ts'
import type { SnapshotFolders } from './folders.ts'
import type { OwnSnapshots } from './own-snapshots.ts'
import type { PeerSnapshots } from './peer-snapshots.ts'
import { type KeptSnapshot, OWN } from './rows.ts'

export type SnapshotsAdmin = Handlers<typeof snapshotsAdminOperations>

const MOST = 1024

export interface SnapshotsAdminOptions {
  readonly self: string
  readonly own: OwnSnapshots
  readonly peers: PeerSnapshots
  readonly folders: Pick<SnapshotFolders, 'path'>
  /** Unix seconds. */
  readonly due: () => number
  /** One was made: it is offered to linked hubs, and what is too old goes. */
  readonly made: () => Promise<void>
}

/** The operator's rows about snapshots. */
export function snapshotsAdmin({
  self,
  own,
  peers,
  folders,
  due,
  made
}: SnapshotsAdminOptions): SnapshotsAdmin {
  const rowOf = ({ owner, held, cid, bytes }: KeptSnapshot) => ({
    hub: owner === OWN ? self : owner,
    seq: held.seq,
    sha256: held.sha256,
    created: held.created,
    expires: held.expires,
    cid,
    bytes,
    folder: folders.path(owner, held.seq)
  })
  return {
    snapshot_make: async (_request, call) => {
      const kept = await own.make(operatorOf(call).actor)
      await made()
      return rowOf(kept)
    },

    snapshot_fetch: async ({ hub }, call) => {
      const { verdict, kept } = await peers.fetch(hub, { actor: operatorOf(call).actor, signal: call.signal })
      return { ...rowOf(kept), verdict }
    },

    snapshot_forget: async ({ hub }, call) => {
      checkHubId(hub)
      return { forgotten: await peers.forget(hub, operatorOf(call)) }
    },

    snapshot_list: ({ hub }) => {
      const found =
        hub === undefined
          ? [...own.all, ...peers.hubs.map(other => peers.of(other).at(-1)!)]
          : hub === self
            ? own.all
            : peers.of(hub)
      return { due: due(), snapshots: found.slice(-MOST).map(rowOf).reverse() }
    }
  }
}

/** The rows of a node that keeps nothing. */
export const noSnapshots: SnapshotsAdmin = {
  snapshot_make: () => none(),
  snapshot_fetch: () => none(),
  snapshot_forget: () => none(),
  snapshot_list: () => none()
}

function none(): never {
  throw new OapError('not_found', 'this node has no data folder, so no snapshots')
}
