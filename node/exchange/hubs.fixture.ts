import { setTimeout as sleep } from 'node:timers/promises'
import type { TestContext } from 'node:test'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { OapError, capabilitiesService, mailboxService } from '../../protocols/index.ts'
import { connect } from '../../sdk/index.ts'
import { endings } from '../endings.fixture.ts'
import { linked, startHub } from '../links/hubs.fixture.ts'
import type { TestHub } from '../links/hubs.fixture.ts'

export const SHARE = { id: 'aa'.repeat(16), name: 'dispatch' }
export const AGENT_VERBS = 'cap:obtain,mailbox:send,mailbox:recv'

/** A hub with a tenant of its own that others know as `SHARE`. */
export interface SharingHub extends TestHub {
  readonly tenant: string
}

export async function sharingHub(
  t: TestContext,
  options: Parameters<typeof startHub>[1] = {}
): Promise<SharingHub> {
  const hub = await startHub(t, options)
  const { id } = await hub.operator.capabilities.tenant_show({ tenant: 'default' })
  return { ...hub, tenant: id }
}

export const treatyOf = ({ tenant }: Pick<SharingHub, 'tenant'>, change: object = {}): Uint8Array =>
  Buffer.from(
    JSON.stringify({
      rows: [{ share: SHARE, dir: 'both', tenant, topics: ['dispatch/**'], relay: false }],
      verbs: ['cap:exchange', 'mailbox:send', 'mailbox:recv'],
      quotas: { calls_per_s: 100, bytes_per_s: 1024 * 1024, streams: 8 },
      ...change
    })
  )

/** Two hubs that are linked and share `SHARE`, whose capabilities they exchange. */
export async function sharingHubs(
  t: TestContext
): Promise<{ readonly a: SharingHub; readonly b: SharingHub }> {
  const [a, b] = [await sharingHub(t), await sharingHub(t)]
  await b.operator.federation.peer_add({ hub: a.id, addresses: [], body: treatyOf(b) })
  await a.operator.federation.peer_add({ hub: b.id, addresses: [b.address], body: treatyOf(a) })
  await linked(a, b)
  return { a, b }
}

/** An agent with a key of its own. */
export interface Agent {
  readonly key: PrivateKey
  readonly peer: string
}

export async function agent(): Promise<Agent> {
  const key = await generateKeyPair('Ed25519')
  return { key, peer: peerIdFromPrivateKey(key).toString() }
}

/** A token of a hub for an agent. */
export async function tokenOf(hub: SharingHub, { peer }: Agent, change: object = {}) {
  const request = { verb: AGENT_VERBS, topic: 'dispatch/**', tenant: hub.tenant, peer, ttl_s: 600, ...change }
  const { cap_id, kid, body } = await hub.operator.capabilities.cap_mint(request)
  return { capId: cap_id, kid, cap: body! }
}

/** A connection of an agent with a token, to the hub at an address. */
export async function calling(t: TestContext, address: string, { key }: Agent, cap: Uint8Array) {
  const connection = await connect(address, { privateKey: key, cap })
  endings(t).use(connection)
  return {
    rights: connection.client(capabilitiesService),
    mailbox: connection.client(mailboxService)
  }
}

/** A token of `there` for an agent of `here`, asked of `here` until the two follow each other. */
export async function exchanged(
  t: TestContext,
  { here, there }: { readonly here: SharingHub; readonly there: SharingHub },
  who: Agent,
  { cap }: { readonly cap: Uint8Array },
  wish: object = {}
) {
  const { rights } = await calling(t, here.address, who, cap)
  const request = { hub: there.id, verb: 'mailbox:send', topic: 'dispatch/a', ...wish }
  for (let left = 1000; ; left--) {
    try {
      const { body, ...facts } = await rights.obtain(request)
      return { ...facts, cap: body! }
    } catch (error) {
      const isSoon = error instanceof OapError && error.reason === 'head'
      if (!isSoon || left === 0) throw error
      await sleep(50)
    }
  }
}

/** What a call is refused with, as `code` or `code reason`; `none` where it is not. */
export const refusalOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'none',
    (error: unknown) => {
      if (!(error instanceof OapError)) throw error
      return error.reason === undefined ? error.code : `${error.code} ${error.reason}`
    }
  )
