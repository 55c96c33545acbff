import assert from 'node:assert/strict'
import { chmod, mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import test from 'node:test'
import type { TestContext } from 'node:test'
import pino from 'pino'
import { defineService, echoService, header, integer, json, unary } from '../protocols/index.ts'
import type { OapError, Service } from '../protocols/index.ts'
import { connect } from '../sdk/index.ts'
import { connectAdmin } from './admin/admin-client.ts'
import { loadConfig } from './config/index.ts'
import { openDataFolder } from './data-folder.ts'
import { endings } from './endings.fixture.ts'
import { initKeys } from './keys.ts'
import { createNode } from './node.ts'
import type { NodeOptions, OmnigateNode } from './node.ts'
import type { SetupError } from './setup-error.ts'
import type { SupervisedPart } from './supervision.ts'

const configWith = (flags: Record<string, unknown> = {}) =>
  loadConfig({
    flags: {
      'node.listen': ['/ip4/127.0.0.1/tcp/0'],
      'http.listen': '127.0.0.1:0',
      'capabilities.openVerbs': ['*'],
      'strangers.loopbackIsKnown': true,
      'log.level': 'silent',
      ...flags
    }
  }).config

async function running(
  t: TestContext,
  options: NodeOptions = {},
  flags: Record<string, unknown> = {}
): Promise<OmnigateNode> {
  const node = createNode(configWith(flags), options)
  endings(t).defer(() => node.stop())
  await node.start()
  return node
}

async function dataFolder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'omnigate-node-'))
  endings(t).defer(() => rm(path, { recursive: true, force: true }))
  await chmod(path, 0o700)
  await using folder = await openDataFolder(path, { create: true })
  await initKeys(folder.keys, { nodeName: 'node1', nowMs: Date.now() })
  return path
}

async function takenPort(t: TestContext): Promise<number> {
  const server = createServer()
  t.after(() => server.close())
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as { port: number }).port
}

const addressOf = (node: OmnigateNode): string => node.status().addresses[0]!

async function metricsOf(node: OmnigateNode): Promise<Map<string, number>> {
  const text = await (await fetch(`${node.status().http}/metrics`)).text()
  const lines = text.split('\n').filter(line => line !== '' && !line.startsWith('#'))
  return new Map(
    lines.map(line => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))])
  )
}

for (const encryption of ['noise', 'tls'] as const) {
  test(`answers echo, streams and ticks over ${encryption}`, async t => {
    const node = await running(t)
    await using hub = await connect(addressOf(node), { encryption: [encryption] })
    const echo = hub.client(echoService)

    const body = await echo.echo({ body: Uint8Array.of(1, 2, 3) })
    const streamed = await echo.stream({}, { body: [new Uint8Array(1_000_000)] })
    let total = 0
    for await (const piece of streamed.body) total += piece.length
    const seen: number[] = []
    for await (const { n } of await echo.ticks({ count: 3 }, { credit: 20 })) seen.push(n)

    assert.deepEqual([...body], [1, 2, 3])
    assert.equal(total, 1_000_000)
    assert.deepEqual(seen, [0, 1, 2])
    assert.equal(hub.encryption, encryption)
  })
}

test('answers over a WebSocket, as browsers come', async t => {
  const node = await running(t, {}, { 'node.listen': ['/ip4/127.0.0.1/tcp/0/ws'] })
  await using hub = await connect(addressOf(node))

  const body = await hub.client(echoService).echo({ body: Uint8Array.of(9) })

  assert.match(addressOf(node), /\/ws\//)
  assert.deepEqual([...body], [9])
})

test("serves an application's own table, and tells it in HELLO", async t => {
  const table = defineService({
    name: 'adder',
    app: 0x1234,
    operations: {
      add: unary({
        verb: 'adder:add',
        request: header({ a: integer(0, 99), b: integer(0, 99) }),
        answer: json({ sum: integer(0, 198) })
      })
    }
  })
  const adder: Service<(typeof table)['operations']> = {
    table,
    handlers: { add: ({ a, b }) => ({ sum: a + b }) }
  }
  const node = await running(t, { services: [adder] })
  await using hub = await connect(addressOf(node))

  const { sum } = await hub.client(table).add({ a: 20, b: 22 })
  const { apps } = await hub.hello()

  assert.equal(sum, 42)
  assert.deepEqual(apps, [0, 1, 2, 0x0201, 0x0301, 0x0501, 0x1234])
})

test('hides what went wrong in a handler from the caller, and logs it', async t => {
  const lines: string[] = []
  const table = defineService({
    name: 'faulty',
    app: 0x1235,
    operations: { fail: unary({ verb: 'faulty:fail', request: header({}), answer: json({}) }) }
  })
  const faulty: Service<(typeof table)['operations']> = {
    table,
    handlers: {
      fail: () => {
        throw new TypeError('the inner secret')
      }
    }
  }
  const node = await running(t, {
    services: [faulty],
    overrides: { log: pino({ level: 'error' }, { write: line => lines.push(line) }) }
  })
  await using hub = await connect(addressOf(node))

  const refused = hub.client(table).fail({})

  await assert.rejects(
    refused,
    (e: OapError) => e.code === 'internal' && e.status === 500 && !e.message.includes('secret')
  )
  assert.equal(lines.length, 1)
  assert.match(lines[0]!, /HandlerFailed.*faulty.*the inner secret/)
})

test('counts a crash of a supervised part once in both metrics, and logs one line', async t => {
  const lines: string[] = []
  let lives = 0
  const part: SupervisedPart = {
    service: 'sample',
    crashReason: 'crash_exception',
    run: async (started, signal) => {
      started()
      if (lives++ === 0) throw new Error('as the test asked')
      await new Promise(resolve => signal.addEventListener('abort', resolve))
    }
  }
  const clock = { now: () => performance.now(), sleep: () => Promise.resolve() }
  const log = pino({ level: 'error' }, { write: line => lines.push(line) })

  const node = await running(t, { overrides: { log, clock, parts: [part] } })
  const metrics = await metricsOf(node)

  assert.equal(metrics.get('service_crashes_total{service="sample",reason="crash_exception"}'), 1)
  assert.equal(metrics.get('rejected_total{reason="crash_exception"}'), 1)
  assert.equal(lines.filter(line => line.includes('ServiceCrashed')).length, 1)
  assert.equal(lives, 2)
})

test('counts calls and refusals under closed labels', async t => {
  const node = await running(t)
  await using hub = await connect(addressOf(node))
  const echo = hub.client(echoService)
  await echo.echo({})
  await assert.rejects(echo.work({ ms: 5000 }))

  const metrics = await metricsOf(node)

  assert.equal(metrics.get('requests_total{service="echo",operation="echo",status="0"}'), 1)
  assert.equal(metrics.get('requests_total{service="echo",operation="work",status="400"}'), 1)
  assert.equal(metrics.get('rejected_total{reason="bad_request"}'), 1)
  assert.equal(metrics.get('inflight{service="echo",operation="work"}'), 0)
})

test('gives a stranger four calls at once and refuses the fifth with 429', async t => {
  const node = await running(t, {}, { 'strangers.loopbackIsKnown': false })
  await using hub = await connect(addressOf(node))
  const echo = hub.client(echoService)
  const waiting = Array.from({ length: 4 }, () => echo.ticks({ count: 2, interval_ms: 60_000 }))
  await Promise.all(waiting)

  const fifth = echo.echo({})

  await assert.rejects(
    fifth,
    (e: OapError) => e.code === 'quota_peer' && e.status === 429 && e.retryAfterMs! >= 1000
  )
})

test('closes a stranger that makes no call', async t => {
  const node = await running(t, {}, { 'strangers.loopbackIsKnown': false, 'strangers.graceMs': 1000 })
  await using _hub = await connect(addressOf(node))

  const deadline = performance.now() + 60_000
  while (node.status()['connections'] !== 0 && performance.now() < deadline)
    await new Promise(r => setTimeout(r, 50))

  assert.equal(node.status()['connections'], 0)
})

test('lets calls under way finish before it stops', async t => {
  const node = await running(t)
  await using hub = await connect(addressOf(node))
  const ticks = await hub.client(echoService).ticks({ count: 5, interval_ms: 30 })
  const seen: number[] = []
  const reading = (async () => {
    for await (const { n } of ticks) seen.push(n)
  })()

  await node.stop()
  await reading

  assert.deepEqual(seen, [0, 1, 2, 3, 4])
})

test('keeps its identity over a restart and counts its lives', async t => {
  const data = await dataFolder(t)
  const first = await running(t, { data })
  const { hub_id, peer_id } = first.status()
  await first.stop()

  const second = await running(t, { data })

  assert.deepEqual(
    [second.status().hub_id, second.status().peer_id, second.status()['boot']],
    [hub_id, peer_id, 2]
  )
})

test('tells its status on a socket that only its owner can open', async t => {
  const data = await dataFolder(t)
  const node = await running(t, { data })

  await using admin = await connectAdmin(data)
  const status = await admin.status()

  assert.equal(status['peer_id'], node.status().peer_id)
  assert.equal((await stat(join(data, 'admin.sock'))).mode & 0o777, 0o600)
})

test('tells its status in whole numbers once it has measured what presses it', async t => {
  const data = await dataFolder(t)
  const node = await running(t, { data })
  const heap = () => (node.status()['pressure'] as Record<string, number>)['heap_percent']
  while (heap() === 0) await turn()

  await using admin = await connectAdmin(data)
  const { pressure } = await admin.status()

  assert.ok(Object.values(pressure as object).every(Number.isInteger))
})

test('says that no node runs when none does', async t => {
  const data = await dataFolder(t)

  await assert.rejects(
    connectAdmin(data),
    (e: SetupError) => e.reason === 'unreachable' && e.message.includes(data)
  )
})

test('does not serve admin to the network', async t => {
  const node = await running(t)
  await using hub = await connect(addressOf(node))
  const { adminService } = await import('../protocols/index.ts')

  await assert.rejects(hub.client(adminService).status({}), (e: OapError) => e.code === 'unknown_app')
})

test('refuses a data folder that another node uses', async t => {
  const data = await dataFolder(t)
  await running(t, { data })

  await assert.rejects(createNode(configWith(), { data }).start(), (e: SetupError) => e.reason === 'inUse')
})

test('names a busy port, and leaves nothing running behind', async t => {
  const port = await takenPort(t)
  const data = await dataFolder(t)
  const node = createNode(configWith({ 'node.listen': [`/ip4/127.0.0.1/tcp/${port}`] }), { data })

  await assert.rejects(
    node.start(),
    (e: SetupError) => e.reason === 'portInUse' && e.message.includes(`port ${port} on 127.0.0.1`)
  )

  const again = await running(t, { data })
  assert.equal(again.status().ready, true)
})

for (const key of ['node.listen', 'http.listen']) {
  test(`removes the data folder that it made when the port of ${key} is taken`, async t => {
    const port = await takenPort(t)
    const parent = await mkdtemp(join(tmpdir(), 'omnigate-node-'))
    endings(t).defer(() => rm(parent, { recursive: true, force: true }))
    const taken = key === 'node.listen' ? [`/ip4/127.0.0.1/tcp/${port}`] : `127.0.0.1:${port}`
    const data = join(parent, 'deep', 'hub')

    await assert.rejects(
      createNode(configWith({ [key]: taken }), { data, init: true }).start(),
      (e: SetupError) => e.reason === 'portInUse'
    )

    assert.deepEqual(await readdir(parent), [])
  })
}

test('makes keys and a configuration that stay, and leaves those alone that are there', async t => {
  const parent = await mkdtemp(join(tmpdir(), 'omnigate-node-'))
  endings(t).defer(() => rm(parent, { recursive: true, force: true }))
  const data = join(parent, 'hub')
  const first = await running(t, { data, init: true })
  const { hub_id } = first.status()
  await first.stop()
  const port = await takenPort(t)
  const busy = createNode(configWith({ 'http.listen': `127.0.0.1:${port}` }), { data, init: true })
  await assert.rejects(busy.start(), (e: SetupError) => e.reason === 'portInUse')

  const second = await running(t, { data, init: true })

  assert.equal(second.status().hub_id, hub_id)
  // The first snapshot is made beside the start.
  const made = (await readdir(data)).filter(name => name !== 'snapshots')
  assert.deepEqual(made.sort(), [
    'FORMAT',
    'admin.sock',
    'audit',
    'blobs',
    'capabilities',
    'keys',
    'lock',
    'omnigate.toml',
    'store'
  ])
})

test('refuses keys that were delegated to a node of another name', async t => {
  const data = await dataFolder(t)

  const node = createNode(configWith({ 'node.name': 'other' }), { data })

  await assert.rejects(node.start(), (e: SetupError) => e.reason === 'config' && e.message.includes('node1'))
})
