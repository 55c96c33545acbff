import assert from 'node:assert/strict'
import test from 'node:test'
import { echoService } from '../../protocols/index.ts'
import type { OapError } from '../../protocols/index.ts'
import { connect } from '../../sdk/index.ts'
import { loadConfig } from '../config/index.ts'
import { createNode } from '../node.ts'

const CALLERS = 8
const CALLS = 60
/** A turn refuses whatever comes once it has lasted five times as long. */
const MOST_DELAY_MS = 20

test('of calls that would keep the processor for long some are served, the rest is told when to come back', async t => {
  const { config } = loadConfig({
    flags: {
      'node.listen': ['/ip4/127.0.0.1/tcp/0'],
      'http.listen': '127.0.0.1:0',
      'capabilities.openVerbs': ['*'],
      'strangers.loopbackIsKnown': true,
      'log.level': 'silent',
      'limits.maxDelayMs': MOST_DELAY_MS
    }
  })
  const node = createNode(config)
  t.after(() => node.stop())
  await node.start()
  const address = node.status().addresses[0]!
  const hubs = await Promise.all(Array.from({ length: CALLERS }, () => connect(address)))
  t.after(() => Promise.all(hubs.map(hub => hub.close())))
  const echoes = hubs.map(hub => hub.client(echoService))
  await Promise.all(echoes.map(echo => echo.echo({})))

  const ended = await Promise.allSettled(
    echoes.flatMap(echo => Array.from({ length: CALLS }, () => echo.work({ ms: 2 })))
  )
  const refusals = ended.flatMap(end => (end.status === 'rejected' ? [end.reason as OapError] : []))
  const metrics = await (await fetch(`${node.status().http}/metrics`)).text()

  assert.ok(refusals.length > 0 && refusals.length < ended.length, `${refusals.length} of ${ended.length}`)
  for (const { code, status, retryAfterMs } of refusals) {
    assert.deepEqual([code, status], ['saturated', 503])
    assert.ok(retryAfterMs! >= 1000 && retryAfterMs! <= 5000)
  }
  assert.match(metrics, new RegExp(`rejected_total\\{reason="saturated"\\} ${refusals.length}\n`))
  assert.match(metrics, /pressure_late_percent /)
  await echoes[0]!.work({ ms: 0 })
})
