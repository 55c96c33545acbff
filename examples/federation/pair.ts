import { brief, eventually, msSince, must, tell } from './told.ts'
import type { Hub } from './hub.ts'

export const SHARE = { id: '4c9a51f0b7d84e2796d3a1c05e8f7b62', name: 'dispatch' }

/** What each hub of the demonstration grants each other: one share in both directions, blobs, and signatures under its audit log. */
async function treatyOf(hub: Hub): Promise<Uint8Array> {
  const tenant = await hub.tenant()
  return Buffer.from(
    JSON.stringify({
      rows: [{ share: SHARE, dir: 'both', tenant, topics: ['dispatch/**'], relay: false }],
      verbs: ['echo:call', 'cap:exchange', 'mailbox:send', 'storage:get', 'storage:has'],
      classes: ['public', 'federated'],
      witness: true
    })
  )
}

/** Two operators pair their hubs: an invite, one fingerprint seen on both sides, and a link. */
export async function pair(inviting: Hub, accepting: Hub): Promise<void> {
  const since = performance.now()
  const { code } = await inviting.operator.links.pair_invite({ body: await treatyOf(inviting) })
  const body = await treatyOf(accepting)
  const { fingerprint: there } = await accepting.operator.links.pair_accept({ code, body })
  const waiting = await eventually('the pairing at the inviting hub', async () =>
    (await inviting.operator.links.pair_state({})).waiting.find(({ hub }) => hub === accepting.id)
  )
  must(waiting.fingerprint === there, 'both operators see one fingerprint')
  await inviting.operator.links.pair_confirm({ hub: accepting.id, fingerprint: there })
  await accepting.operator.links.pair_confirm({ hub: inviting.id, fingerprint: waiting.fingerprint })
  await linked(inviting, accepting)
  tell(
    'paired',
    `${inviting.name} ${brief(inviting.id)} and ${accepting.name} ${brief(accepting.id)}: both saw ${there}, linked after ${msSince(since)}`
  )
}

/** Resolves once both say that their link is up. */
export async function linked(a: Hub, b: Hub): Promise<void> {
  for (const [here, there] of [
    [a, b],
    [b, a]
  ] as const)
    await eventually(`the link of ${here.name} with ${there.name}`, async () =>
      (await here.operator.federation.peer_show({ hub: there.id })).link === 'up' ? true : undefined
    )
}
