import { gossipsub, type GossipSub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { answerParent } from '../harness/answering.ts'
import { SpreadingMember, nowMicros, type Sending } from '../harness/spreading-member.ts'

// A member of gossip as its package ships it: messages signed, no option set, on the stack as its packages ship it.

const TOPIC = 'bench'
const node = await createLibp2p({
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  services: { identify: identify(), gossip: gossipsub() }
})
// Its type does not name the mesh.
const gossip = node.services.gossip as GossipSub & { getMeshPeers(topic: string): readonly string[] }
const member = new SpreadingMember(body => gossip.publish(TOPIC, body))
gossip.subscribe(TOPIC)
gossip.addEventListener('gossipsub:message', ({ detail }) => {
  if (detail.msg.topic === TOPIC) member.noteArrival(detail.msg.data, nowMicros())
})
let dialled = 0

answerParent(
  {
    self: () => String(node.getMultiaddrs()[0]),
    meet: async ({ others, dials }: { others: readonly string[]; dials: readonly number[] }) => {
      for (const to of dials) await node.dial(multiaddr(others[to]!))
      dialled = dials.length
    },
    introduction: () => null,
    acquaint: () => undefined,
    isReady: () =>
      gossip.getSubscribers(TOPIC).length >= Math.max(1, dialled) && gossip.getMeshPeers(TOPIC).length >= 1,
    send: (sending: Sending) => member.send(sending),
    count: ({ phase }: { phase: number }) => member.count(phase),
    taken: ({ phase }: { phase: number }) => member.taken(phase)
  },
  () => node.stop()
)
