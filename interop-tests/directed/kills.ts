import { writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { connectAdmin } from 'omnigate'
import type { AdminClient } from 'omnigate'
import { Hub } from '../links/hub.ts'

export type Random = () => number

export interface KillOptions {
  readonly kills: number
  readonly random: Random
  readonly told?: (text: string) => void
}

export interface Verdict {
  readonly kills: number
  /** Messages that the origin acknowledged. */
  readonly acknowledged: number
  /** Receipts that its sender got. */
  readonly receipts: number
  readonly lost: readonly string[]
  readonly twice: readonly string[]
  readonly withoutReceipt: readonly string[]
}

const SHARE = 'aa'.repeat(16)
const TOPIC = 'dispatch/kills'
const REPLIES = 'replies'
const LONGEST_LIFE_MS = 3000
const SETTLE_MS = 600_000
const CALL_MS = 10_000
const STARTS = 3

/** A hub with its tenant, called as its operator, also while its node is killed and started again. */
class Side {
  readonly hub: Hub
  readonly tenant: string
  #operator: AdminClient | undefined

  private constructor(hub: Hub, tenant: string) {
    this.hub = hub
    this.tenant = tenant
  }

  static async start(): Promise<Side> {
    const hub = await Hub.start()
    await using operator = await connectAdmin(hub.data)
    const { id } = await operator.capabilities.tenant_show({ tenant: 'default' })
    return new Side(hub, id)
  }

  /** What `call` gives, as soon as the node answers it. */
  async patiently<T>(
    call: (mailbox: AdminClient['mailbox'], options: CallOptions) => Promise<T>
  ): Promise<T> {
    const end = performance.now() + SETTLE_MS
    for (;;) {
      try {
        this.#operator ??= await connectAdmin(this.hub.data)
        return await call(this.#operator.mailbox, { tenant: this.tenant, deadlineMs: CALL_MS })
      } catch (error) {
        if (performance.now() > end) throw error
        await this.close()
        await sleep(50)
      }
    }
  }

  async close(): Promise<void> {
    const operator = this.#operator
    this.#operator = undefined
    try {
      await operator?.[Symbol.asyncDispose]()
    } catch {
      // Its node is gone.
    }
  }

  async treatWith({ id }: Hub, ...address: readonly string[]): Promise<void> {
    const rows = [
      { share: { id: SHARE, name: 'kills' }, dir: 'both', tenant: this.tenant, topics: ['dispatch/**'] }
    ]
    const quotas = { calls_per_s: 1000, bytes_per_s: 64 * 1024 * 1024, streams: 8 }
    const file = `${this.hub.data}.treaty.json`
    await writeFile(file, JSON.stringify({ rows, quotas }))
    await this.hub.says('peer', 'add', id, ...address, '--treaty', file)
  }
}

interface CallOptions {
  readonly tenant: string
  readonly deadlineMs: number
}

/**
 * One hub sends to another without pause, while the processes of both are killed at random moments, again and again. Then all
 * that was acknowledged must be in the other's store, once, and each with its receipt.
 */
export async function killEither({ kills, random, told }: KillOptions): Promise<Verdict> {
  const [a, b] = await Promise.all([Side.start(), Side.start()])
  await using _a = a.hub
  await using _b = b.hub
  try {
    await b.treatWith(a.hub)
    await a.treatWith(b.hub, '--address', b.hub.address)
    const acknowledged = new Map<string, string>()
    let isOver = false
    const sending = (async () => {
      for (let n = 0; !isOver; n++) acknowledged.set(`m${n}`, await send(a, b.hub.id, n))
    })()
    for (let kill = 1; kill <= kills; kill++) {
      const { hub } = random() < 0.5 ? a : b
      await sleep(random() * LONGEST_LIFE_MS)
      await hub.kill()
      await startAgain(hub, told)
      told?.(`${kill} of ${kills} kills, ${acknowledged.size} messages acknowledged`)
    }
    isOver = true
    await sending
    const receipts = await allReceipts(a, acknowledged.size)
    const bodies = await waiting(b)
    const counts = new Map<string, number>()
    for (const body of bodies) counts.set(body, (counts.get(body) ?? 0) + 1)
    return {
      kills,
      acknowledged: acknowledged.size,
      receipts: receipts.size,
      lost: [...acknowledged.keys()].filter(body => !counts.has(body)),
      twice: [...counts].filter(([, times]) => times > 1).map(([body]) => body),
      withoutReceipt: [...acknowledged].filter(([, id]) => !receipts.has(id)).map(([body]) => body)
    }
  } finally {
    await Promise.all([a.close(), b.close()])
  }
}

/** A busy machine may take longer to start a process than one start is given, or lend its port to another. */
async function startAgain(hub: Hub, told: KillOptions['told']): Promise<void> {
  for (let left = STARTS; ; left--) {
    try {
      return await hub.run()
    } catch (error) {
      if (left === 1) throw error
      told?.(`a node did not start, and is started again: ${(error as Error).message}`)
      await hub.kill()
    }
  }
}

/** The id of a message, once it was acknowledged: until then it is sent again under its key. */
async function send(from: Side, to: string, n: number): Promise<string> {
  const { msg_id } = await from.patiently((mailbox, options) =>
    mailbox.send(
      {
        topic: TOPIC,
        body: Buffer.from(`m${n}`),
        idem_key: `k${n}`,
        to: { hub: to, share: SHARE },
        receipt: ['delivered'],
        reply_topic: REPLIES
      },
      options
    )
  )
  return msg_id
}

/** The messages of which the sender has a receipt, once it has as many as there are. */
async function allReceipts(at: Side, wanted: number): Promise<ReadonlySet<string>> {
  const end = performance.now() + SETTLE_MS
  for (;;) {
    const { depth } = await at.patiently((mailbox, options) => mailbox.stats({ topic: REPLIES }, options))
    if (depth >= wanted || performance.now() > end) break
    await sleep(200)
  }
  return new Set((await peekAll(at, REPLIES)).flatMap(({ attrs }) => attrs?.['msg_id'] ?? []))
}

const waiting = async (at: Side): Promise<readonly string[]> =>
  (await peekAll(at, TOPIC)).map(({ body }) => Buffer.from(body ?? []).toString())

async function peekAll(at: Side, topic: string) {
  const found = []
  for (let after: string | undefined; ;) {
    const page = await at.patiently((mailbox, options) =>
      mailbox.peek({ topic, max: 256, ...(after !== undefined && { after }) }, options)
    )
    found.push(...page.items)
    after = page.next
    if (after === undefined) return found
  }
}
