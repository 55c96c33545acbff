import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TestContext } from 'node:test'
import { echoService } from '../../protocols/index.ts'
import { connectAdmin } from '../admin/admin-client.ts'
import type { AdminClient } from '../admin/admin-client.ts'
import { endings } from '../endings.fixture.ts'
import type { OmnigateNode } from '../node.ts'
import { runningNode } from '../running-node.fixture.ts'
import type { Running } from '../running-node.fixture.ts'
import { entriesIn } from '../start/entries.fixture.ts'

/** A hub of one node, and its operator. */
export interface TestHub {
  readonly node: OmnigateNode
  readonly operator: AdminClient
  readonly data: string
  readonly id: string
  readonly peer: string
  readonly address: string
}

/** A folder for `startHub` that ends with the test. */
export function hubFolder(t: TestContext): string {
  const top = mkdtempSync(join(tmpdir(), 'omnigate-links-'))
  endings(t).defer(() => rmSync(top, { recursive: true, force: true }))
  return join(top, 'hub')
}

/** A hub whose callers on loopback are strangers until they link. */
export async function startHub(
  t: TestContext,
  { data = hubFolder(t), flags = {}, options }: Running = {}
): Promise<TestHub> {
  const node = await runningNode(t, {
    data,
    flags: { 'strangers.loopbackIsKnown': false, ...flags },
    ...(options && { options })
  })
  const operator = await connectAdmin(data)
  endings(t).use(operator)
  const { hub_id, peer_id, addresses } = node.status()
  return { node, operator, data, id: hub_id, peer: peer_id, address: addresses[0]! }
}

/** Resolves with what `look` gives once that is something; rejects after `withinMs`. */
export async function until<T>(
  look: () => Promise<T | undefined | false>,
  what: string,
  withinMs = 60_000
): Promise<T> {
  const end = performance.now() + withinMs
  for (;;) {
    const found = await look()
    if (found !== undefined && found !== false) return found
    if (performance.now() > end) throw new Error(`${what}: not within ${withinMs} ms`)
    await sleep(25)
  }
}

export type LinkRow = Awaited<ReturnType<AdminClient['federation']['peer_show']>>

export const linkTo = ({ operator }: TestHub, { id }: TestHub): Promise<LinkRow> =>
  operator.federation.peer_show({ hub: id })

/** Both sides say that their link is up. */
export async function linked(a: TestHub, b: TestHub): Promise<void> {
  for (const [here, there] of [
    [a, b],
    [b, a]
  ] as const)
    await until(
      async () => (await linkTo(here, there)).link === 'up',
      `the link from ${here.id} to ${there.id}`
    )
}

/** Puts each hub on the other's allowlist; `b` is dialled by `a`. */
export async function allow(a: TestHub, b: TestHub, treaty?: object): Promise<void> {
  const body = treaty && Buffer.from(JSON.stringify(treaty))
  await b.operator.federation.peer_add({ hub: a.id, addresses: [], ...(body && { body }) })
  await a.operator.federation.peer_add({ hub: b.id, addresses: [b.address], ...(body && { body }) })
}

/** The data of what the audit log of a hub holds of one type. */
export async function entriesOf({ data }: TestHub, wanted: string): Promise<Record<string, unknown>[]> {
  const entries = await entriesIn(data)
  return entries.filter(({ type }) => type === wanted).map(entry => entry.data)
}

/** The echo of `there`, called by the node of `here` over their link. */
export async function echo({ operator }: TestHub, { id }: TestHub, text: string): Promise<string> {
  const { request, answer } = echoService.operations.echo
  const { head, body } = request.encode('echo', { body: Buffer.from(text) }, {})
  const payload = Buffer.concat([head, body])
  const came = await operator.links.relay({ hub: id, app: echoService.app, body: payload })
  return Buffer.from(answer.decode(came)).toString()
}
