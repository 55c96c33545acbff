import { integer, list, object, oneOf, optional, text } from '../fields.ts'
import { header, json, unary } from '../service.ts'

const count = integer(0, Number.MAX_SAFE_INTEGER)
const seconds = count
const hub = text(54)

const snapshotFields = {
  hub,
  seq: count,
  /** Of the line of the snapshot, in hex. */
  sha256: text(64),
  created: seconds,
  expires: seconds,
  /** Of its package. */
  cid: text(128),
  bytes: count,
  /** The sealed folder on the node's disk. */
  folder: text(4096)
}

/** Rows of the admin service (0x0003) about snapshots. */
export const snapshotsAdminOperations = {
  /** Makes a snapshot of this hub now. */
  snapshot_make: unary({
    verb: 'admin:snapshot_make',
    writes: true,
    request: header({}),
    answer: json(snapshotFields)
  }),
  /** Gets the newest snapshot of a linked hub, and keeps it once it was verified. `known`: it was there already. */
  snapshot_fetch: unary({
    verb: 'admin:snapshot_fetch',
    writes: true,
    request: header({ hub }),
    answer: json({ ...snapshotFields, verdict: oneOf('first', 'known', 'next', 'gap', 'restored') })
  }),
  /** Takes away all snapshots that are kept of another hub, so that the next one is judged as the first. */
  snapshot_forget: unary({
    verb: 'admin:snapshot_forget',
    writes: true,
    request: header({ hub }),
    answer: json({ forgotten: count })
  }),
  /** Those that are kept of this hub or another, the newest first; without a hub, of this one and the newest of each other. */
  snapshot_list: unary({
    verb: 'admin:snapshot_list',
    request: header({ hub: optional(hub) }),
    answer: json({
      /** When the next one of this hub is due, in Unix seconds. */
      due: seconds,
      snapshots: list(object(snapshotFields), 1024)
    })
  })
}
