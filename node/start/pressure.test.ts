import assert from 'node:assert/strict'
import test from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { echoService } from '../../protocols/index.ts'
import type { OapError } from '../../protocols/index.ts'
import { connect } from '../../sdk/index.ts'
import { loadConfig } from '../config/index.ts'
import { createNode } from '../node.ts'
import type { OmnigateNode } from '../node.ts'

const MOST_CALLS = 16

async function shedding(node: OmnigateNode, what: string): Promise<void> {
  while (node.status()['shedding'] !== what) await sleep(20)
}

test('a node at its most calls refuses more with 503 and says why, and takes them again when they are over', async t => {
  const { config } = loadConfig({
    flags: {
      'node.listen': ['/ip4/127.0.0.1/tcp/0'],
      'http.listen': '127.0.0.1:0',
      'capabilities.openVerbs': ['*'],
      'strangers.loopbackIsKnown': true,
      'log.level': 'silent',
      'limits.maxCalls': MOST_CALLS
    }
  })
  const node = createNode(config)
  t.after(() => node.stop())
  await node.start()
  const hubs = await Promise.all([1, 2, 3, 4, 5].map(() => connect(node.status().addresses[0]!)))
  t.after(() => Promise.all(hubs.map(hub => hub.close())))
  const echo = hubs[4]!.client(echoService)
  const open = await Promise.all(
    Array.from({ length: MOST_CALLS }, (_, i) =>
      hubs[i % 4]!.client(echoService).ticks({ count: 100_000, interval_ms: 60_000 })
    )
  )
  await shedding(node, 'calls')

  const refused = await echo.echo({}).catch((error: unknown) => error as OapError)
  const readyz = await fetch(`${node.status().http}/readyz`)
  const reasons = await readyz.text()
  for (const ticks of open) await ticks[Symbol.asyncIterator]().return?.()
  const since = performance.now()
  await shedding(node, 'nothing')
  const recoveredMs = performance.now() - since

  assert.ok(refused instanceof Error && 'code' in refused)
  assert.deepEqual([refused.code, refused.status], ['saturated', 503])
  assert.ok(refused.retryAfterMs! >= 1000 && refused.retryAfterMs! <= 5000)
  assert.equal(readyz.status, 503)
  assert.match(reasons, /calls_percent/)
  assert.ok(recoveredMs < 5000, `${recoveredMs} ms`)
  assert.deepEqual((await echo.echo({ body: Uint8Array.of(7) })).length, 1)
})
