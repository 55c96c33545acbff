import { setTimeout as sleep } from 'node:timers/promises'
import type { AdminClient } from 'omnigate'
import { OapError } from 'omnigate/protocols'
import type { Hub } from '../links/hub.ts'

/** What hubs of these tests let each other do. */
export const SHARED = { verbs: ['storage:get', 'storage:has'], classes: ['public', 'federated'] }

export type BlobClass = 'public' | 'federated' | 'private'

/** Puts `other` on the allowlist of a hub; it is dialled where an address is given. */
export async function allow(
  { federation }: AdminClient,
  other: Pick<Hub, 'id'>,
  { address, treaty = SHARED }: { readonly address?: string; readonly treaty?: object } = {}
): Promise<void> {
  const addresses = address === undefined ? [] : [address]
  await federation.peer_add({ hub: other.id, addresses, body: Buffer.from(JSON.stringify(treaty)) })
}

export async function tenantOf({ capabilities }: AdminClient): Promise<string> {
  return (await capabilities.tenant_show({ tenant: 'default' })).id
}

/** Puts bytes for the first tenant; yields the CID. */
export async function put(
  operator: AdminClient,
  bytes: Uint8Array,
  blobClass: BlobClass = 'public'
): Promise<string> {
  const tenant = await tenantOf(operator)
  const { cid } = await operator.storage.put({ class: blobClass }, { tenant, body: [bytes] })
  return cid
}

/** All bytes of a blob, fetched for the first tenant where the node does not have it; `onPiece` hears of each piece. */
export async function get(
  operator: AdminClient,
  cid: string,
  onPiece: (pieces: number) => Promise<void> | void = () => undefined
): Promise<Buffer> {
  const tenant = await tenantOf(operator)
  const { body } = await operator.storage.get({ cid, form: 'raw' }, { tenant })
  const pieces: Uint8Array[] = []
  for await (const piece of body) await onPiece(pieces.push(piece))
  return Buffer.concat(pieces)
}

/** Who has a blob as the node of an operator finds them, and how it knows: `[peer, via]`. */
export async function providersOf({ storage }: AdminClient, cid: string): Promise<[string, string][]> {
  const { providers } = await storage.providers({ cid })
  return providers.map(({ peer, via }) => [peer, via])
}

type Report = Awaited<ReturnType<AdminClient['dht']['fetch_report']>>

const REPORT_TRIES = 100
const REPORT_PAUSE_MS = 50

/** What became of the last fetch of a blob; a reader has all of it a moment before the fetch has ended. */
export async function reportOf({ dht }: AdminClient, cid: string): Promise<Report> {
  for (let n = 1; ; n++) {
    try {
      return await dht.fetch_report({ cid })
    } catch (error) {
      if (n === REPORT_TRIES || !(error instanceof OapError) || error.code !== 'not_found') throw error
    }
    await sleep(REPORT_PAUSE_MS)
  }
}
