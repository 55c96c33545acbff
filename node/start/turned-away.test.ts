import assert from 'node:assert/strict'
import test from 'node:test'
import { loadConfig } from '../config/index.ts'
import { endings } from '../endings.fixture.ts'
import { createNode } from '../node.ts'
import { echoService } from '../../protocols/index.ts'
import { connect } from '../../sdk/index.ts'

async function scraped(url: unknown): Promise<ReadonlyMap<string, number>> {
  const text = await (await fetch(`${String(url)}/metrics`)).text()
  return new Map(
    text
      .split('\n')
      .map(line => line.split(' '))
      .map(([series = '', value]) => [series, Number(value)])
  )
}

test('a connection that is refused is counted as one, and as nobody’s quota', async t => {
  const { config } = loadConfig({
    flags: {
      'node.listen': ['/ip4/127.0.0.1/tcp/0'],
      'http.listen': '127.0.0.1:0',
      'log.level': 'silent',
      'capabilities.openVerbs': ['echo:call'],
      'strangers.maxPerPrefix': 1,
      'quotas.prefixCallsPerSecond': 1
    }
  })
  const node = createNode(config)
  endings(t).use(node)
  await node.start()
  const [address = ''] = node.status().addresses
  await using first = await connect(address)
  const echo = first.client(echoService)

  await assert.rejects(connect(address))
  const arrived = await scraped(node.status().http)
  await Promise.allSettled([echo.echo({}), echo.echo({})])
  const called = await scraped(node.status().http)

  const of = (metrics: ReadonlyMap<string, number>) => ({
    connections: metrics.get('connections_refused_total'),
    streams: metrics.get('streams_refused_total'),
    exhausted: metrics.get('quota_exhaustions_total{quota="peer"}'),
    rejected: metrics.get('rejected_total{reason="quota_peer"}')
  })
  assert.deepEqual(of(arrived), { connections: 1, streams: 0, exhausted: 0, rejected: 1 })
  assert.deepEqual(of(called), { connections: 1, streams: 0, exhausted: 1, rejected: 2 })
})
