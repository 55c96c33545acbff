import { setFlagsFromString } from 'node:v8'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { LinkedConnections, createAdmission, createTransport } from '../../../transport/index.ts'
import { answerParent } from './helper-process.ts'
import { ANSWERED, ASKED, FEDERATION, TOPICS } from './linked-load.ts'

// As `omnigate start` does.
setFlagsFromString('--heap-growing-percent=300')

// The hub under attack, without its node: who is in `linked` has a link as soon as it connects, all others are strangers.
const [connections] = process.argv.slice(2) as [string]
const maxConnections = Number(connections)
const linked = new Set<string>()
const links = new LinkedConnections()
const admission = createAdmission({
  maxConnections,
  maxSharePercent: 25,
  maxPerPrefix: 8,
  graceMs: 10_000,
  maxOpening: 48,
  maxStreams: 8,
  maxKeptBytes: 67_108_864,
  maxLoopPercent: 25,
  maxWaiting: 256,
  maxWaitMs: 5000,
  loopbackIsKnown: false
})
admission.follow(links)
const node = await createTransport({
  privateKey: await generateKeyPair('Ed25519'),
  listen: ['/ip4/127.0.0.1/tcp/0'],
  maxConnections,
  connectionGater: admission.connectionGater,
  federation: { name: FEDERATION, links, topics: TOPICS }
})
admission.watch(node)
const { gossip, dht } = await node.services.federation!.open()
for (const topic of TOPICS) gossip.subscribe(topic)
gossip.addEventListener('message', ({ detail: { topic, data } }) => {
  if (data[0] === ASKED) void gossip.publish(topic, Uint8Array.from([ANSWERED, ...data.subarray(1)]))
})
node.addEventListener('connection:open', ({ detail: connection }) => {
  if (linked.has(connection.remotePeer.toString())) links.link(connection)
})

const before = process.cpuUsage()
answerParent({
  address: () => node.getMultiaddrs()[0]!.toString(),
  expect: ({ peers }: { peers: string[] }) => peers.forEach(peer => linked.add(peer)),
  tell: () => {
    const { user, system } = process.cpuUsage(before)
    return {
      cpuSeconds: (user + system) / 1e6,
      rssBytes: process.memoryUsage.rss(),
      connections: node.getConnections().length,
      strangers: admission.strangers,
      links: [...links].length,
      gossipPeers: gossip.getPeers().length,
      dhtPeers: (dht as unknown as { routingTable: { size: number } }).routingTable.size
    }
  }
})
