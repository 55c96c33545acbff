import { randomBytes } from 'node:crypto'
import { OapError } from '../../protocols/index.ts'
import { until } from '../links/hubs.fixture.ts'
import type { TestHub } from '../links/hubs.fixture.ts'

export interface TestShare {
  /** 32 hex digits. */
  readonly id: string
}

export const newShare = (): TestShare => ({ id: randomBytes(16).toString('hex') })

type Dir = 'in' | 'out' | 'both'

/** The first tenant of a hub. */
export const tenantOf = ({ node }: TestHub): string => node.capabilities().tenants()[0]!.id

export const row = (share: TestShare, tenant: string, dir: Dir, topics = ['orders/**'], relay = false) => ({
  share: { id: share.id, name: 'orders' },
  dir,
  tenant,
  topics,
  relay
})

/** Puts `there` on the allowlist of `here`, or changes its treaty. */
export async function grant(
  here: TestHub,
  there: TestHub,
  rows: readonly object[],
  { dials = false, more = {} }: { readonly dials?: boolean; readonly more?: object } = {}
): Promise<void> {
  const body = Buffer.from(JSON.stringify({ rows, ...more }))
  const addresses = dials ? [there.address] : []
  try {
    await here.operator.federation.peer_add({ hub: there.id, addresses, body })
  } catch (error) {
    if (!(error instanceof OapError) || error.code !== 'conflict') throw error
    await here.operator.federation.treaty_edit({ hub: there.id, body })
  }
}

/** Two hubs that share `orders/**` both ways; the first dials the second. */
export async function shareBetween(
  a: TestHub,
  b: TestHub,
  { share = newShare(), relay = false }: { readonly share?: TestShare; readonly relay?: boolean } = {}
): Promise<TestShare> {
  const rowOf = (hub: TestHub) => row(share, tenantOf(hub), 'both', undefined, relay)
  await grant(b, a, [rowOf(b)])
  await grant(a, b, [rowOf(a)], { dials: true })
  return share
}

export async function send(hub: TestHub, topic: string, text: string, more: object = {}): Promise<string> {
  const tenant = tenantOf(hub)
  const { msg_id: id } = await hub.operator.mailbox.send(
    { topic, body: Buffer.from(text), ...more },
    { tenant }
  )
  return id
}

export interface Received {
  readonly text: string
  readonly origin: { readonly hub: string; readonly share: string; readonly number: number } | undefined
}

/** So many messages of a topic, in the order of delivery, as soon as they are there; each is acknowledged. */
export async function received(hub: TestHub, topic: string, count: number): Promise<readonly Received[]> {
  const tenant = tenantOf(hub)
  const got: Received[] = []
  await until(
    async () => {
      const { items } = await hub.operator.mailbox.recv({ topic, max: 256, ack: 'auto' }, { tenant })
      for (const { body = new Uint8Array(0), origin } of items)
        got.push({ text: Buffer.from(body).toString(), origin })
      return got.length >= count
    },
    `${count} messages of ${topic}`,
    120_000
  )
  return got
}

/** How many messages wait in a topic. */
export async function waiting(hub: TestHub, topic: string): Promise<number> {
  const tenant = tenantOf(hub)
  const { depth } = await hub.operator.mailbox.stats({ topic }, { tenant })
  return depth
}
