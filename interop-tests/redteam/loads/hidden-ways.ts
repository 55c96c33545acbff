import { protocolLine } from '../protocol-line.ts'
import type { RawStream } from '../raw-stream.ts'
import { KAD, TOPICS } from './linked-load.ts'

const GUESSES = 50

const MESHSUB = ['/meshsub/1.2.0', '/meshsub/1.1.0', '/meshsub/1.0.0', '/floodsub/1.0.0']
/** A kad-dht message: the field `type` with FIND_NODE, and a key. */
const FIND_NODE = lengthPrefixed(Buffer.concat([Buffer.from([0x08, 4]), field(2, Buffer.alloc(32, 7))]))

/** Ways to get at what linked peers share, on a stream that has just been opened. */
export const HIDDEN_WAYS: readonly ((stream: RawStream) => void)[] = [
  // All versions of gossip by name; then a subscription to every topic, as if one had been agreed to.
  stream => {
    for (const name of MESHSUB) stream.writeNow(protocolLine(name))
    stream.writeNow(subscriptions(TOPICS))
  },
  // The DHT by its name, and a question for those near a key.
  stream => {
    stream.writeNow(protocolLine(KAD))
    stream.writeNow(FIND_NODE)
  },
  // Everything that it speaks.
  stream => {
    for (let i = 0; i < 3; i++) stream.writeNow(protocolLine('ls'))
  },
  // Federations by guess.
  stream => {
    for (let i = 0; i < GUESSES; i++) stream.writeNow(protocolLine(`/omnigate/guess-${i}/kad/1.0.0`))
  }
]

/** A gossipsub RPC: for each topic the field `subscriptions` with `subscribe: true`, and the topic. */
function subscriptions(topics: readonly string[]): Uint8Array {
  return lengthPrefixed(
    Buffer.concat(
      topics.map(topic => field(1, Buffer.concat([Buffer.from([0x08, 1]), field(2, Buffer.from(topic))])))
    )
  )
}

function field(number: number, bytes: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from([(number << 3) | 2]), lengthPrefixed(bytes)])
}

function lengthPrefixed(bytes: Uint8Array): Uint8Array {
  const length = bytes.length < 128 ? [bytes.length] : [(bytes.length & 127) | 128, bytes.length >> 7]
  return Buffer.concat([Buffer.from(length), bytes])
}
