import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { nodePlatform } from 'omnigate'
import { ConnectionCaller, OAP_PROTOCOL, echoService } from 'omnigate/protocols'
import { answerParent } from './helper-process.ts'
import { allow, startHubNode } from './hub-node.ts'
import type { HubNode } from './hub-node.ts'
import { PEERS } from './linked-load.ts'
import { timed } from './timed.ts'
import type { TimedLatency } from './timed.ts'

/** Each hub calls this often, so that the other is busy and not full. */
const EVERY_MS = 10
const ANSWER_MS = 5000
const LINK_MS = 30_000
/** Hubs that link again under attack. */
const RELINKED = 5
const BODY = new Uint8Array(128).fill(7)

// Whole nodes that link with the hub, and call it over their links.
const [top] = process.argv.slice(2) as [string]
const hubs: HubNode[] = []
for (let i = 0; i < PEERS; i++) hubs.push(await startHubNode(join(top, `peer-${i}`)))
const callers: (() => Promise<void>)[] = []

answerParent({
  who: () => hubs.map(({ hub, peer }) => ({ hub, peer })),
  join: async ({ hub, address }: { hub: string; address: string }) => {
    // One after the other: until they are linked a network may not have more than 8 strangers.
    for (const one of hubs) callers.push(await linkWith(one, hub, address))
  },
  /** Some hubs lose their connections and link again at once, one after the other; yields how long each took, in ms. */
  relink: async ({ hub, address }: { hub: string; address: string }) => {
    const took: number[] = []
    for (const one of hubs.slice(0, RELINKED)) {
      await one.operator.federation.peer_remove({ hub })
      for (const connection of one.connections) connection.abort(new Error('lost'))
      const since = performance.now()
      await linked(one, hub, address)
      took.push(performance.now() - since)
    }
    return took
  },
  measure: ({ seconds }: { seconds: number }): Promise<TimedLatency> =>
    timed(callers, { seconds, everyMs: EVERY_MS }, call => call())
})

/** Resolves once the link is up, with a call over it. */
async function linkWith(one: HubNode, hub: string, address: string): Promise<() => Promise<void>> {
  await linked(one, hub, address)
  // A link that ends is dialled again, on another connection.
  const connection = () => one.connections.findLast(({ status }) => status === 'open')
  let of = connection()
  let caller = callerOver(one, of)
  return async () => {
    const now = connection()
    if (now !== of) [of, caller] = [now, callerOver(one, now)]
    const answer = await caller.client(echoService).echo({ body: BODY }, { deadlineMs: ANSWER_MS })
    if (Buffer.compare(answer, BODY) !== 0) throw new Error('echo: other bytes came back')
  }
}

/** Resolves once the link is up. */
async function linked(one: HubNode, hub: string, address: string): Promise<void> {
  await allow(one, hub, [address])
  for (const end = performance.now() + LINK_MS; !(await isUp(one)); await sleep(50))
    if (performance.now() > end) throw new Error('no link came up')
}

const isUp = async ({ operator }: HubNode): Promise<boolean> =>
  (await operator.federation.federation_status({})).up === 1

function callerOver(one: HubNode, connection: HubNode['connections'][number] | undefined): ConnectionCaller {
  return new ConnectionCaller({
    platform: nodePlatform,
    openStream: async () => {
      if (connection === undefined) throw new Error(`${one.hub} has no connection`)
      return connection.newStream(OAP_PROTOCOL, { maxOutboundStreams: 256 })
    }
  })
}
