import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { multiaddr } from '@multiformats/multiaddr'
import { CID } from 'multiformats/cid'
import { create as digestOf } from 'multiformats/hashes/digest'
import { LinkedConnections, createTransport } from '../../../transport/index.ts'
import type { LinkedServices } from '../../../transport/index.ts'
import { answerParent } from './helper-process.ts'
import type { Latency } from './honest-process.ts'
import { ANSWERED, ASKED, FEDERATION, PEERS, topicOf } from './linked-load.ts'
import { timed } from './timed.ts'

/** Each peer asks by gossip and by the DHT this often, so that the hub is busy and not full. */
const GOSSIP_EVERY_MS = 20
const DHT_EVERY_MS = 50
const ANSWER_MS = 5000
const SHA2_256 = 0x12

export interface LinkedLatency {
  readonly gossip: Latency
  readonly dht: Latency
}

class Peer {
  readonly topic: string
  readonly node: Awaited<ReturnType<typeof createPeer>>
  readonly #links: LinkedConnections
  readonly #waiting = new Map<string, () => void>()
  #services: LinkedServices | undefined

  constructor(topic: string, node: Awaited<ReturnType<typeof createPeer>>, links: LinkedConnections) {
    this.topic = topic
    this.node = node
    this.#links = links
  }

  async join(target: string): Promise<void> {
    const { gossip, dht } = (this.#services = await this.node.services.federation!.open())
    gossip.subscribe(this.topic)
    gossip.addEventListener('message', ({ detail: { data } }) => {
      if (data[0] === ANSWERED) this.#waiting.get(numberOf(data))?.()
    })
    this.#links.link(await this.node.dial(multiaddr(target)))
    const { routingTable } = dht as unknown as { routingTable: { size: number } }
    while (gossip.getSubscribers(this.topic).length === 0 || routingTable.size === 0) await sleep(10)
    // The first question waits until the DHT has looked around.
    await this.find()
  }

  /** One message there and its answer back. */
  async ask(): Promise<void> {
    const data = Uint8Array.from([ASKED, ...randomBytes(8)])
    const answered = Promise.withResolvers<void>()
    const late = setTimeout(() => answered.reject(new Error('no answer')), ANSWER_MS)
    this.#waiting.set(numberOf(data), answered.resolve)
    try {
      await this.#services!.gossip.publish(this.topic, data)
      await answered.promise
    } finally {
      clearTimeout(late)
      this.#waiting.delete(numberOf(data))
    }
  }

  /** One question to the hub's DHT, on a stream of its own. */
  async find(): Promise<void> {
    const id = CID.createV1(0x55, digestOf(SHA2_256, randomBytes(32)))
    let answers = 0
    const signal = AbortSignal.timeout(ANSWER_MS)
    for await (const { name } of this.#services!.dht!.findProviders(id, { signal })) {
      if (name === 'PEER_RESPONSE') answers++
    }
    if (answers === 0) throw new Error('the hub did not answer')
  }
}

const peers: Peer[] = []
for (let i = 0; i < PEERS; i++) {
  const links = new LinkedConnections()
  peers.push(new Peer(topicOf(i), await createPeer(topicOf(i), links), links))
}

answerParent({
  ids: () => peers.map(({ node }) => node.peerId.toString()),
  join: async ({ target }: { target: string }) => {
    for (const peer of peers) await peer.join(target)
  },
  measure: async ({ seconds }: { seconds: number }): Promise<LinkedLatency> => {
    const [gossip, dht] = await Promise.all([
      timed(peers, { seconds, everyMs: GOSSIP_EVERY_MS }, peer => peer.ask()),
      timed(peers, { seconds, everyMs: DHT_EVERY_MS }, peer => peer.find())
    ])
    return { gossip, dht }
  }
})

async function createPeer(topic: string, links: LinkedConnections) {
  return createTransport({
    privateKey: await generateKeyPair('Ed25519'),
    listen: ['/ip4/127.0.0.1/tcp/0'],
    federation: { name: FEDERATION, links, topics: [topic] }
  })
}

const numberOf = (data: Uint8Array): string => Buffer.from(data.subarray(1, 9)).toString('hex')
