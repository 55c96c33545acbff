import { performance } from 'node:perf_hooks'
import { mailboxService } from 'omnigate/protocols'
import { connect, createClient } from 'omnigate/sdk'
import { answerParent } from '../harness/answering.ts'
import { NotedCosts, type Costs } from '../harness/costs.ts'

// A client of the SDK that fills a topic of a node, works on it while it stays as deep as it was, or loads it until it dies.

const [address, cap, pid] = process.argv.slice(2) as [string, string, string]
const hub = await createClient({ url: address, cap })
const { mailbox } = hub
const connection = await connect(address, { cap })
const rows = connection.client(mailboxService)
const body = new Uint8Array(256).map((_, i) => (i * 7919) ^ (i >> 3))

/** Larger bursts leave the node with memory that is theirs and not the messages'. */
const FILL_BATCH = 256
const IN_FLIGHT = 64
const BATCH = 64
const CYCLE_SENDS = 512
const LOOKS = 64
const PEEKED = 32

export interface Filling {
  readonly topic: string
  readonly messages: number
  /** Each with an idempotency key, as the SDK sends them; or as those are whose keys' window has passed. */
  readonly hasKeys: boolean
}

async function fill({ topic, messages, hasKeys }: Filling): Promise<number> {
  for (let left = messages; left > 0; left -= FILL_BATCH) {
    const items = Array.from({ length: Math.min(left, FILL_BATCH) }, () => ({ body }))
    if (hasKeys) await mailbox.sendBatch(topic, items)
    else await rows.send_batch({ topic, items })
  }
  return (await mailbox.stats(topic)).depth
}

/** Works until `forMs` have passed, in whole cycles that leave the topic as deep as it was. */
async function cycles({ topic, forMs }: { topic: string; forMs: number }): Promise<Costs> {
  const costs = new NotedCosts(Number(pid))
  const noted = costs.noted.bind(costs)
  const until = performance.now() + forMs
  do {
    const ids = await noted('send', CYCLE_SENDS + BATCH, () => sends(topic, CYCLE_SENDS + BATCH))
    await noted('delete', BATCH, () => Promise.all(ids.slice(-BATCH).map(id => mailbox.delete(topic, id))))
    await noted('nack', BATCH, () => giveBack(topic))
    await noted('recv and ack', CYCLE_SENDS, () => receives(topic, CYCLE_SENDS / BATCH))
    await noted('peek', LOOKS, () => looks(() => peekOnce(topic)))
    await noted('stats', LOOKS, () => looks(() => mailbox.stats(topic)))
  } while (performance.now() < until)
  return costs.all
}

/** Yields their ids, in the order of their answers. */
async function sends(topic: string, count: number): Promise<readonly string[]> {
  const ids: string[] = []
  let left = count
  const sender = async (): Promise<void> => {
    while (left-- > 0) ids.push((await mailbox.send(topic, body)).msgId)
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, sender))
  return ids
}

/** Leases the first messages and gives them back, to the place where they were. */
async function giveBack(topic: string): Promise<void> {
  const taken = await take(topic)
  await Promise.all(taken.map(delivery => delivery.nack({ delayMs: 0 })))
}

async function receives(topic: string, times: number): Promise<void> {
  for (let i = 0; i < times; i++) await Promise.all((await take(topic)).map(delivery => delivery.ack()))
}

async function take(topic: string) {
  const taken = await mailbox.recv(topic, { max: BATCH, maxBytes: BATCH * 1024 })
  if (taken.length < BATCH) throw new Error(`${taken.length} messages instead of ${BATCH}`)
  return taken
}

async function looks(look: () => Promise<unknown>): Promise<void> {
  for (let i = 0; i < LOOKS; i++) await look()
}

async function peekOnce(topic: string): Promise<void> {
  let seen = 0
  for await (const _ of mailbox.peek(topic, { max: PEEKED })) if (++seen === PEEKED) return
}

/** Sends, and leases without acknowledging, until nobody answers any more; resolves once there is work under way. */
async function load({ topic }: { topic: string }): Promise<void> {
  const first = Promise.withResolvers<void>()
  const forever = async (work: () => Promise<unknown>): Promise<void> => {
    for (;;) {
      await work()
      first.resolve()
    }
  }
  for (let i = 0; i < IN_FLIGHT; i++) forever(() => mailbox.send(topic, body)).catch(first.reject)
  forever(() => mailbox.recv(topic, { max: BATCH })).catch(first.reject)
  await first.promise
}

answerParent({ fill, cycles, load, ready: () => true }, () => Promise.all([hub.close(), connection.close()]))
