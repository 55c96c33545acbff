import assert from 'node:assert/strict'
import test from 'node:test'
import type { TestContext } from 'node:test'
import { echoService } from '../../protocols/index.ts'
import type { OapError } from '../../protocols/index.ts'
import { connect } from '../../sdk/index.ts'
import { loadConfig } from '../config/index.ts'
import { createNode } from '../node.ts'

async function nodeWith(t: TestContext, flags: Record<string, unknown>): Promise<string> {
  const { config } = loadConfig({
    flags: {
      'node.listen': ['/ip4/127.0.0.1/tcp/0'],
      'http.enabled': false,
      'log.level': 'silent',
      'capabilities.openVerbs': ['echo:call'],
      ...flags
    }
  })
  const node = createNode(config)
  t.after(() => node.stop())
  await node.start()
  return node.status().addresses[0]!
}

interface Told {
  served: number
  refused: OapError[]
}

async function callMany(address: string, calls: number, bytes = 0): Promise<Told> {
  await using hub = await connect(address)
  const echo = hub.client(echoService)
  const told: Told = { served: 0, refused: [] }
  for (let i = 0; i < calls; i++) {
    await echo.echo({ body: new Uint8Array(bytes) }).then(
      () => told.served++,
      (error: unknown) => told.refused.push(error as OapError)
    )
  }
  return told
}

test('a peer beyond its calls a second gets 429 with a time to wait, and its quiet neighbour gets none', async t => {
  const address = await nodeWith(t, { 'strangers.loopbackIsKnown': true, 'quotas.peerCallsPerSecond': 20 })

  const greedy = await callMany(address, 200)
  const quiet = await callMany(address, 15)

  assert.ok(greedy.served >= 20 && greedy.served < 150, `${greedy.served} served`)
  assert.ok(
    greedy.refused.every(
      ({ code, status, retryAfterMs }) => code === 'quota_peer' && status === 429 && retryAfterMs === 1000
    )
  )
  assert.equal(greedy.served + greedy.refused.length, 200)
  assert.deepEqual([quiet.served, quiet.refused.length], [15, 0])
})

test('bytes beyond the rate are paid for by the next calls', async t => {
  const address = await nodeWith(t, {
    'strangers.loopbackIsKnown': true,
    'quotas.peerBytesPerSecond': 1024 * 1024
  })

  const told = await callMany(address, 8, 500_000)

  assert.ok(told.refused.length > 0)
  assert.ok(told.refused.every(({ code }) => code === 'quota_peer'))
})

test('strangers share what their network may spend', async t => {
  const address = await nodeWith(t, { 'quotas.prefixCallsPerSecond': 5 })

  const first = await callMany(address, 50)
  const second = await callMany(address, 3)

  assert.ok(first.refused.length > 0)
  assert.ok(second.served < 3, `${second.served} served to the second`)
  assert.ok(first.served + second.served < 50)
})
