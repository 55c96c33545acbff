import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { echoService, mailboxService } from '../../protocols/index.ts'
import type { OapError } from '../../protocols/index.ts'
import { connect } from '../../sdk/index.ts'
import type { NodeConnection } from '../../sdk/index.ts'
import { loadConfig } from '../config/index.ts'
import { endings } from '../endings.fixture.ts'
import { createNode } from '../node.ts'
import type { OmnigateNode } from '../node.ts'

const MOST_CALLS = 16
const LOOK_MS = 20
const MORE_THAN_ANY_DISK = 2 ** 50

/** For what a node does within half a second or some seconds by its own clock, on a machine as busy as may be. */
const PATIENCE_MS = 60_000

async function shedding(node: OmnigateNode, what: string): Promise<void> {
  for (let leftMs = PATIENCE_MS; node.status()['shedding'] !== what; leftMs -= LOOK_MS) {
    assert.ok(leftMs > 0, `it never sheds ${what}`)
    await sleep(LOOK_MS)
  }
}

async function running(t: TestContext, { minFreeDiskBytes = 0 } = {}) {
  const { config } = loadConfig({
    flags: {
      'node.listen': ['/ip4/127.0.0.1/tcp/0'],
      'http.listen': '127.0.0.1:0',
      'capabilities.openVerbs': ['*'],
      'strangers.loopbackIsKnown': true,
      'log.level': 'silent',
      'limits.maxCalls': MOST_CALLS,
      'limits.minFreeDiskBytes': minFreeDiskBytes
    }
  })
  const node = createNode(config, minFreeDiskBytes === 0 ? {} : { data: folderOf(t), init: true })
  endings(t).defer(() => node.stop())
  await node.start()
  const hubs = await Promise.all([1, 2, 3, 4, 5].map(() => connect(node.status().addresses[0]!)))
  endings(t).defer(async () => void (await Promise.all(hubs.map(hub => hub.close()))))
  return { node, hubs, hub: hubs[4]! }
}

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'omnigate-'))
  endings(t).defer(() => rmSync(folder, { recursive: true }))
  return join(folder, 'data')
}

/** So many calls that go on, of the first four connections. */
const opened = async (hubs: readonly NodeConnection[], calls: number) =>
  await Promise.all(
    Array.from({ length: calls }, (_, n) =>
      hubs[n % 4]!.client(echoService).ticks({ count: 100_000, interval_ms: 60_000 })
    )
  )

const refusalOf = async (call: Promise<unknown>): Promise<unknown> =>
  await call.then(
    () => undefined,
    ({ code, status }: OapError) => [status, code]
  )

test('a node that sheds writes takes no more messages, and lets them be received, acknowledged and removed', async t => {
  const { node, hubs, hub } = await running(t)
  const box = hub.client(mailboxService)
  const topic = 'a'
  const { results } = await box.send_batch({ topic, items: [{}, {}, {}, {}] })
  const { items } = await box.recv({ topic, max: 3 })
  const [acked, extended, given] = items.map(({ msg_id, lease }) => [{ msg_id, lease: lease! }])
  // 13 of 16 calls are more than 80 percent, and leave room for one of the mailbox.
  const open = await opened(hubs, 13)
  await shedding(node, 'writes')

  const refused = [
    () => box.send({ topic }),
    () => box.send_batch({ topic, items: [{}] }),
    () => box.dlq_redrive({ topic })
  ]
  for (const call of refused) assert.deepEqual(await refusalOf(call()), [503, 'saturated'])
  const taken = [
    () => box.ack({ topic, items: acked! }),
    () => box.extend({ topic, items: extended! }),
    () => box.nack({ topic, items: given!, delay_ms: 0 }),
    () => box.delete({ topic, msg_id: results[3]!.msg_id }),
    () => box.dlq_purge({ topic }),
    () => box.recv({ topic }),
    () => box.subscribe({ topic }).then(events => events[Symbol.asyncIterator]().return?.()),
    () => box.stats({ topic })
  ]
  for (const call of taken) assert.equal(await refusalOf(call()), undefined, call.toString())
  const { depth, in_flight } = await box.stats({ topic })
  const still = node.status()['shedding']
  for (const ticks of open) await ticks[Symbol.asyncIterator]().return?.()

  assert.deepEqual([depth, in_flight, still], [2, 2, 'writes'])
})

test('a node whose disk lacks room refuses sends as disk_full with a time to come back, and takes acknowledgements', async t => {
  const { node, hub } = await running(t, { minFreeDiskBytes: MORE_THAN_ANY_DISK })
  const box = hub.client(mailboxService)
  const topic = 'a'
  await shedding(node, 'writes')

  const refused = await box.send({ topic }).catch((error: unknown) => error as OapError)
  const items = [{ msg_id: '01KAJ2Z3Y40000000000000001', lease: 'none' }]
  const { results } = await box.ack({ topic, items })

  assert.ok(refused instanceof Error && 'code' in refused)
  assert.deepEqual([refused.code, refused.status, refused.retryable], ['disk_full', 503, true])
  assert.ok(refused.retryAfterMs! >= 1000 && refused.retryAfterMs! <= 5000)
  assert.deepEqual(
    results.map(({ code }) => code),
    ['lease_foreign']
  )
})

test('a node at its most calls refuses more with 503 and says why, and takes them again when they are over', async t => {
  const { node, hubs, hub } = await running(t)
  const echo = hub.client(echoService)
  const open = await opened(hubs, MOST_CALLS)
  await shedding(node, 'calls')

  const refused = await echo.echo({}).catch((error: unknown) => error as OapError)
  const readyz = await fetch(`${node.status().http}/readyz`)
  const reasons = await readyz.text()
  for (const ticks of open) await ticks[Symbol.asyncIterator]().return?.()
  await shedding(node, 'nothing')

  assert.ok(refused instanceof Error && 'code' in refused)
  assert.deepEqual([refused.code, refused.status], ['saturated', 503])
  assert.ok(refused.retryAfterMs! >= 1000 && refused.retryAfterMs! <= 5000)
  assert.equal(readyz.status, 503)
  assert.match(reasons, /calls_percent/)
  assert.deepEqual((await echo.echo({ body: Uint8Array.of(7) })).length, 1)
})
