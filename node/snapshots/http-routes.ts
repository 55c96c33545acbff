import type { FastifyInstance, FastifyReply } from 'fastify'
import { SEAL_FILE, SIGNATURE_FILE, isSealedPath } from '../../federation/index.ts'
import { Problem } from '../http/problem.ts'
import type { SnapshotFolders } from './folders.ts'
import { PUBLIC_KEY_FILE } from './own-snapshots.ts'
import type { KeptSnapshot } from './rows.ts'

export interface SnapshotRoutesOptions {
  /** Of the hub that is shown: this one, or the core of a mirror; the newest last. */
  readonly shown: () => readonly KeptSnapshot[]
  readonly hub: string
  readonly folders: Pick<SnapshotFolders, 'file'>
  /** Counts a request; yields the milliseconds to wait where there were too many. */
  readonly charge: () => number
  /** Whether the key of the newest stands under `/.well-known/`, too. */
  readonly hasKey: boolean
  /** A mirror answers what would write with 403. */
  readonly isMirror: boolean
}

const SNAPSHOTS = '/snapshots/v1'
const READS = ['GET', 'HEAD']
const OWN: readonly string[] = [SEAL_FILE, SIGNATURE_FILE]

/** Snapshots over HTTP, for whoever has no link: files as they were sealed. @see specs/federation-snapshots.md, section 8 */
export const snapshotRoutes =
  ({ shown, hub, folders, charge, hasKey, isMirror }: SnapshotRoutesOptions) =>
  (app: FastifyInstance): void => {
    /** @throws Problem 429 */
    const pay = (): void => {
      const waitMs = charge()
      if (waitMs > 0)
        throw new Problem('quota_peer', 'too many requests', {
          headers: { 'retry-after': String(Math.ceil(waitMs / 1000)) }
        })
    }
    const file = async (reply: FastifyReply, seq: number | undefined, name: string): Promise<unknown> => {
      pay()
      const kept = seq === undefined ? shown().at(-1) : shown().find(({ held }) => held.seq === seq)
      const isName = OWN.includes(name) || isSealedPath(name)
      const isNamed = isName && !name.includes('/')
      const bytes =
        kept === undefined || !isNamed ? undefined : await folders.file(kept.owner, kept.held.seq, name)
      if (bytes === undefined) throw new Problem('not_found', 'there is no such file of a snapshot here')
      return reply
        .header('cache-control', seq === undefined ? 'no-cache' : 'public, max-age=86400, immutable')
        .type('text/plain; charset=utf-8')
        .send(Buffer.from(bytes))
    }
    app.get(`${SNAPSHOTS}/newest`, (_, reply) => {
      pay()
      const newest = shown().at(-1)
      if (newest === undefined) throw new Problem('not_found', 'there is no snapshot here')
      const { held, cid, bytes } = newest
      const { seq, sha256, created, expires } = held
      return reply
        .header('cache-control', 'no-cache')
        .send({ hub, seq, sha256, created, expires, cid, bytes })
    })
    app.get<{ Params: { seq: string; name: string } }>(`${SNAPSHOTS}/:seq/:name`, (request, reply) => {
      const { seq, name } = request.params
      return file(reply, /^[1-9]\d{0,15}$/.test(seq) ? Number(seq) : -1, name)
    })
    if (hasKey) app.get('/.well-known/minisign.pub', (_, reply) => file(reply, undefined, PUBLIC_KEY_FILE))
    app.addHook('onRequest', async ({ method }) => {
      if (isMirror && !READS.includes(method)) throw READ_ONLY
    })
  }

const READ_ONLY = new Problem('read_only', 'this node is a mirror and takes no writes', {
  headers: { connection: 'close' }
})
