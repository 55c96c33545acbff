import assert from 'node:assert/strict'
import test from 'node:test'
import type { TestContext } from 'node:test'
import { createNode, loadConfig } from 'omnigate'
import type { OmnigateNode } from 'omnigate'
import { echoService } from 'omnigate/protocols'
import { connect } from 'omnigate/sdk'
import { CountingCaller, together } from './counting-caller.ts'

const LOCAL = { actor: 'local' }

async function nodeWith(t: TestContext, flags: Record<string, unknown>): Promise<OmnigateNode> {
  const { config } = loadConfig({
    flags: {
      'node.listen': ['/ip4/127.0.0.1/tcp/0'],
      'http.listen': '127.0.0.1:0',
      'log.level': 'silent',
      'strangers.loopbackIsKnown': true,
      'capabilities.takesBearer': true,
      ...flags
    }
  })
  const node = createNode(config)
  t.after(() => node.stop())
  await node.start()
  return node
}

async function mint(node: OmnigateNode, tenant: string, members: object = {}): Promise<Uint8Array> {
  const asked = { verb: 'echo:call', tenant, bearer: true, ...members }
  return (await node.capabilities().mint(asked, LOCAL)).token
}

/** The value of each series of the node's metrics. */
async function scraped(node: OmnigateNode): Promise<(name: string, labels?: RegExp) => number> {
  const text = await (await fetch(`${node.status().http}/metrics`)).text()
  const series = text.split('\n').flatMap(line => {
    const [, name, labels = '', value] = /^(\w+)(\{.*\})? (\S+)$/.exec(line) ?? []
    return name === undefined ? [] : [{ name, labels, value: Number(value) }]
  })
  return (name, labels = /(?:)/) =>
    series
      .filter(one => one.name === name && labels.test(one.labels))
      .reduce((sum, one) => sum + one.value, 0)
}

test('in a storm the counters are what the callers saw: calls, refusals by reason, bytes', async t => {
  const node = await nodeWith(t, { 'quotas.tenantCallsPerSecond': 200, 'quotas.tenantBurst': 300 })
  const capabilities = node.capabilities()
  await capabilities.addTenant({ name: 'second' }, LOCAL)
  const caps = [
    await mint(node, 'default'),
    await mint(node, 'second', { rate: 50 }),
    await mint(node, 'second', { verb: 'other:verb' }),
    undefined,
    Buffer.from('no token at all')
  ]
  const address = node.status().addresses[0]!
  const callers = await Promise.all(caps.map(() => CountingCaller.connect(address)))
  t.after(() => Promise.all(callers.map(caller => caller[Symbol.asyncDispose]())))

  await Promise.all(
    callers.map(async (caller, i) => {
      const cap = caps[i]
      for (const bytes of [0, 100, 5000])
        for (let round = 0; round < 5; round++)
          await caller.storm(50, { bytes, ...(cap !== undefined && { cap }) })
    })
  )

  const told = together(callers.map(caller => caller.told))
  const counted = await scraped(node)
  assert.equal(counted('requests_total', /service="echo"/), told.calls)
  for (const [status, times] of told.statuses)
    assert.equal(counted('requests_total', new RegExp(`service="echo".*status="${status}"`)), times)
  for (const [code, times] of told.codes)
    assert.equal(counted('rejected_total', new RegExp(`reason="${code}"`)), times, code)
  assert.equal(counted('rejected_total'), told.calls - told.statuses.get(0)!)
  assert.equal(counted('bytes_in_total', /service="echo"/), told.bytesSent)
  assert.equal(counted('bytes_out_total', /service="echo"/), told.bytesReceived)
  assert.deepEqual([...told.codes.keys()].sort(), [
    'cap_denied',
    'cap_foreign',
    'cap_missing',
    'quota_capability',
    'quota_tenant'
  ])
})

test('a storm of one peer costs another neither calls nor time', async t => {
  const node = await nodeWith(t, { 'quotas.tenantCallsPerSecond': 100, 'quotas.tenantBurst': 100 })
  await node.capabilities().addTenant({ name: 'quiet' }, LOCAL)
  await node
    .capabilities()
    .limitTenant('quiet', { limits: { callsPerSecond: 100_000, burst: 100_000 } }, LOCAL)
  const cap = await mint(node, 'quiet')
  const address = node.status().addresses[0]!
  await using quiet = await connect(address, { cap })
  const echo = quiet.client(echoService)
  const p99 = async (): Promise<number> => {
    const times: number[] = []
    for (let i = 0; i < 1500; i++) {
      const since = performance.now()
      await echo.echo({ body: Buffer.from('hi') })
      times.push(performance.now() - since)
    }
    return times.sort((a, b) => a - b)[Math.floor(times.length * 0.99)]!
  }
  await p99()
  const alone = await p99()
  await using loud = await CountingCaller.connect(address)
  const loudCap = await mint(node, 'default')
  let isOver = false
  const storm = (async () => {
    while (!isOver) await loud.storm(20, { cap: loudCap })
  })()

  const stormed = await p99()
  isOver = true
  await storm

  const refused = loud.told.codes.get('quota_tenant') ?? 0
  t.diagnostic(`p99 alone ${alone.toFixed(2)} ms, in the storm ${stormed.toFixed(2)} ms, ${refused} refused`)
  assert.ok(refused > 100)
  assert.equal([...loud.told.codes.keys()].join(), 'quota_tenant')
  // Both callers and the node share one process here, so this bound is wide; the bench measures it apart.
  assert.ok(stormed < Math.max(20, 20 * alone), `${stormed} ms, alone ${alone} ms`)
})
