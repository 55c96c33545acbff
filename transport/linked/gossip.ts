import { hash } from 'node:crypto'
import { StrictNoSign, gossipsub } from '@libp2p/gossipsub'
import type { GossipSub, GossipSubComponents, GossipsubOpts } from '@libp2p/gossipsub'

const MIB = 1_048_576

/** What may wait of one RPC that arrives, and for a peer that takes nothing: its stream is reset beyond that. */
const GOSSIP_BOUNDS = { maxInboundDataLength: MIB, maxOutboundBufferSize: 4 * MIB } as const

/**
 * How a topic counts for a peer's score: only by messages that were rejected, as the square of their number, which loses
 * a tenth each second. After two a peer gets no gossip, after three nothing of it is heard until they are forgotten.
 */
const TOPIC_SCORE = {
  topicWeight: 1,
  timeInMeshWeight: 0,
  firstMessageDeliveriesWeight: 0,
  meshMessageDeliveriesWeight: 0,
  meshFailurePenaltyWeight: 0,
  invalidMessageDeliveriesWeight: -10,
  invalidMessageDeliveriesDecay: 0.9
} as const

/**
 * Gossip among linked hubs: small meshes, messages without signatures (what is in them is signed), no peer kept out for
 * the address that it shares. Topics that are not in `topics` are neither heard nor passed on.
 */
export function gossipOf(components: GossipSubComponents, topics: readonly string[]): GossipSub {
  const score = Object.fromEntries(topics.map(topic => [topic, TOPIC_SCORE])) as unknown
  return gossipsub({
    D: 4,
    Dlo: 3,
    Dhi: 6,
    Dout: 2,
    Dscore: 3,
    floodPublish: false,
    fallbackToFloodsub: false,
    doPX: false,
    tagMeshPeers: false,
    globalSignaturePolicy: StrictNoSign,
    msgIdFn: ({ data }) => hash('sha256', data, 'buffer'),
    allowedTopics: [...topics],
    allowPublishToZeroTopicPeers: true,
    ignoreDuplicatePublishError: true,
    scoreParams: {
      IPColocationFactorWeight: 0,
      topics: score as NonNullable<GossipsubOpts['scoreParams']['topics']>
    },
    // The older of two is still in use while it is replaced.
    maxInboundStreams: 2,
    maxOutboundStreams: 2,
    ...GOSSIP_BOUNDS
  })(components)
}
