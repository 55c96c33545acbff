import { setTimeout as sleep } from 'node:timers/promises'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { OapError, capabilitiesService, mailboxService } from 'omnigate/protocols'
import { connect } from 'omnigate/sdk'
import { startHubNode } from '../redteam/loads/hub-node.ts'
import type { HubNode } from '../redteam/loads/hub-node.ts'

const SHARE = { id: '4c9a51f0b7d84e2796d3a1c05e8f7b62', name: 'dispatch' }
const TOPIC = 'dispatch/rights'
const VERB = 'mailbox:recv'
/** How long a call waits at a hub unless something ends it. */
const WAIT_MS = 60_000
const FOLLOWED_MS = 60_000
const LOOK_MS = 25

/** One hub whose rights are revoked, and those where its agents work. */
export interface Star extends AsyncDisposable {
  readonly home: HubNode
  readonly others: readonly HubNode[]
}

/** Hubs of one node each, all in this process, of which the first is linked with all others. */
export async function startStar(hubs: number): Promise<Star> {
  await using stack = new AsyncDisposableStack()
  const top = await mkdtemp(join(tmpdir(), 'omnigate-revocation-'))
  stack.defer(() => rm(top, { recursive: true, force: true }))
  const all: HubNode[] = []
  for (let n = 0; n < hubs; n++) {
    const hub = await startHubNode(join(top, `hub${n}`))
    stack.defer(async () => {
      await hub.operator[Symbol.asyncDispose]()
      await hub.node.stop()
    })
    all.push(hub)
  }
  const [home, ...others] = all as [HubNode, ...HubNode[]]
  for (const other of others) {
    await other.operator.federation.peer_add({ hub: home.hub, addresses: [], body: await treatyOf(other) })
    const addresses = [other.address]
    await home.operator.federation.peer_add({ hub: other.hub, addresses, body: await treatyOf(home) })
  }
  for (const other of others) await linked(home, other)
  const owned = stack.move()
  return { home, others, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/**
 * An agent of the first hub waits at all others with tokens that they gave for its right, which is then revoked at home.
 * Yields after how many milliseconds each of these calls had ended, as revoked. Rejects where one ends otherwise.
 */
export async function revokedAfter({ home, others }: Star): Promise<readonly number[]> {
  await using stack = new AsyncDisposableStack()
  const privateKey = await generateKeyPair('Ed25519')
  const peer = peerIdFromPrivateKey(privateKey).toString()
  const subject = `agent-${peer.slice(-8)}`
  const calls: Promise<number>[] = []
  for (const other of others) {
    // A token of its own for each hub: one may be exchanged only so often.
    const { body: cap } = await home.operator.capabilities.cap_mint({
      verb: `cap:obtain,${VERB}`,
      topic: 'dispatch/**',
      tenant: 'default',
      subject,
      peer
    })
    const atHome = stack.use(await connected(home.address, privateKey, cap!))
    const token = await followed(() =>
      atHome.client(capabilitiesService).obtain({ hub: other.hub, verb: VERB, topic: TOPIC })
    )
    const client = stack.use(await connected(other.address, privateKey, token.body!))
    calls.push(ended(() => client.client(mailboxService).recv({ topic: TOPIC, wait_ms: WAIT_MS })))
  }
  const all = Promise.all(calls)
  all.catch(() => undefined)
  await sleep(LOOK_MS)
  const since = performance.now()
  await home.operator.capabilities.cap_revoke({ subject })
  return (await all).map(at => at - since)
}

const connected = (address: string, privateKey: PrivateKey, cap: Uint8Array) =>
  connect(address, { privateKey, cap })

/** When a call ended as revoked. */
async function ended(call: () => Promise<unknown>): Promise<number> {
  try {
    await call()
  } catch (error) {
    if (error instanceof OapError && error.code === 'cap_revoked') return performance.now()
    throw error
  }
  throw new Error('a call under a revoked right was answered')
}

async function treatyOf({ operator }: HubNode): Promise<Uint8Array> {
  const { id: tenant } = await operator.capabilities.tenant_show({ tenant: 'default' })
  const row = { share: SHARE, dir: 'both', tenant, topics: ['dispatch/**'], relay: false }
  return Buffer.from(JSON.stringify({ rows: [row], verbs: ['cap:exchange', VERB] }))
}

async function linked({ operator }: HubNode, { hub }: HubNode): Promise<void> {
  for (const end = performance.now() + FOLLOWED_MS; performance.now() < end; await sleep(LOOK_MS))
    if ((await operator.federation.peer_show({ hub })).link === 'up') return
  throw new Error('a link did not come up')
}

/** Asks again while the other hub has not heard yet what this one has revoked. */
async function followed<T>(ask: () => Promise<T>): Promise<T> {
  for (const end = performance.now() + FOLLOWED_MS; ; await sleep(LOOK_MS)) {
    try {
      return await ask()
    } catch (error) {
      const isSoon = error instanceof OapError && error.reason === 'head' && performance.now() < end
      if (!isSoon) throw error
    }
  }
}
