import { eventually, msSince, must, tell } from './told.ts'
import type { Hub } from './hub.ts'

/** Hubs ask each other for what they lack when they link, and every minute. */
const ROUND_MS = 90_000
const TOPIC = 'dispatch/tides'

/** What one hub sends into a shared topic every hub of the share has, once, also one that was killed meanwhile. */
export async function shared(from: Hub, others: readonly Hub[], count: number): Promise<void> {
  const [away, ...there] = others as [Hub, ...Hub[]]
  await send(from, 0, count)
  const since = performance.now()
  for (const other of others) await have(other, 0, count)
  tell(
    'shared',
    `${count} messages in a shared topic of ${from.name} are at ${others.map(({ name }) => name).join(' and ')} after ${msSince(since)}`
  )
  await away.kill()
  await send(from, count, count)
  for (const other of there) await have(other, count, count)
  await away.start()
  const back = performance.now()
  await have(away, count, count)
  tell(
    'caught up',
    `${away.name} was killed; ${count} more went on without it, and it had them ${msSince(back)} after it came back`
  )
}

async function send(hub: Hub, first: number, count: number): Promise<void> {
  const tenant = await hub.tenant()
  for (let n = first; n < first + count; n++)
    await hub.operator.mailbox.send({ topic: TOPIC, body: Buffer.from(`tide ${n}`) }, { tenant })
}

/** Takes so many messages; they must be these, each once. */
async function have(hub: Hub, first: number, count: number): Promise<void> {
  const tenant = await hub.tenant()
  const texts: string[] = []
  await eventually(
    `${count} messages at ${hub.name}`,
    async () => {
      const { items } = await hub.operator.mailbox.recv({ topic: TOPIC, max: count, ack: 'auto' }, { tenant })
      texts.push(...items.map(({ body }) => Buffer.from(body ?? []).toString()))
      return texts.length >= count ? true : undefined
    },
    ROUND_MS
  )
  const wanted = Array.from({ length: count }, (_, n) => `tide ${first + n}`)
  must(texts.toSorted().join() === wanted.toSorted().join(), `${hub.name} has each message once`)
}
