import type { StateRow } from '../../node/shares/serving.ts'
import { expected } from './hub-parts.ts'
import type { Hub } from './hub.ts'
import { falseProof } from './liars.ts'
import { nameOf, shareIdOf, twoDelegations } from './names.ts'
import type { LinkClient } from './network.ts'

const LINES_AT_ONCE = 20

/** What a liar does by itself, every 20 seconds. */
export function mischief(hub: Hub, clients: readonly LinkClient[], turn: number): void {
  const { n, world, lie, name } = hub
  const { time, plan, gossip } = world
  const quietly = (call: Promise<unknown>): void => time.go(call.catch(expected))
  if (lie === 'flood')
    for (let line = 0; line < LINES_AT_ONCE; line++)
      gossip.publish(n, Buffer.from(`nothing ${n} ${turn} ${line}`))
  if (lie === 'curious')
    for (const client of clients) for (const share of plan.shares) quietly(pry(client, shareIdOf(share.n)))
  const [first] = clients
  if (lie === 'confessor' && first !== undefined)
    quietly(first.equivocation({ body: Buffer.from(twoDelegations(name)) }))
  if (lie !== 'framer') return
  const honest = plan.hubs.filter(other => !plan.liars.has(other))
  const against = honest[turn % honest.length]
  if (against === undefined) return
  const body = Buffer.from(falseProof(name, nameOf(against)))
  for (const client of clients) quietly(client.equivocation({ body }))
}

/** Asks for all that there is of a share. */
async function pry(client: LinkClient, share: string): Promise<void> {
  const { rows } = (await client.share_state({ share })) as { readonly rows: readonly StateRow[] }
  for (const { origin, series, last } of rows)
    if (last > 0) await client.share_pull({ share, origin, series, numbers: [[Math.max(1, last - 9), last]] })
}
