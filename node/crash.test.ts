import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { mkdtemp, rm } from 'node:fs/promises'
import type { Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import pino from 'pino'
import { echoService, mailboxService } from '../protocols/index.ts'
import type { OapError } from '../protocols/index.ts'
import { connect } from '../sdk/index.ts'
import { connectAdmin } from './admin/admin-client.ts'
import { loadConfig } from './config/index.ts'
import { createNode } from './node.ts'
import { openLevel } from './stores/level.ts'
import type { Level } from './stores/level.ts'

const RECOVERY_MS = 60_000

interface Part {
  readonly service: string
  readonly reason: string
  /** What stands on it and is opened anew with it. */
  readonly above?: string
  /** Breaks the part of a running node. */
  crash(node: Running): unknown
  /** Uses it as its users do. */
  use(node: Running): Promise<unknown>
}

const failing = (server: Server): boolean => server.emit('error', new Error('accept ENOBUFS'))
const echoOver = async (address: string | undefined): Promise<void> => {
  await using hub = await connect(address!)
  await hub.client(echoService).echo({ body: Uint8Array.of(1) })
}

const PARTS: readonly Part[] = [
  {
    service: 'http',
    reason: 'crash_listener',
    crash: ({ servers }) => failing(servers.http),
    use: ({ node }) => fetch(`${node.status().http}/healthz`)
  },
  {
    service: 'http',
    reason: 'crash_listener',
    crash: ({ servers }) => servers.http.close(),
    use: ({ node }) => fetch(`${node.status().http}/healthz`)
  },
  {
    service: 'admin',
    reason: 'crash_listener',
    crash: ({ servers }) => failing(servers.admin),
    use: ({ data }) => askAdmin(data)
  },
  {
    service: 'peers',
    reason: 'crash_listener',
    crash: ({ servers }) => failing(servers.tcp),
    use: ({ node }) => echoOver(node.status().addresses.find(address => !address.includes('/ws')))
  },
  {
    service: 'peers',
    reason: 'crash_listener',
    crash: ({ servers }) => failing(servers.ws),
    use: ({ node }) => echoOver(node.status().addresses.find(address => address.includes('/ws')))
  },
  {
    service: 'store',
    reason: 'crash_store',
    above: 'mailbox',
    crash: ({ stores }) => stores[0]!.close(),
    use: ({ stores }) => stores[1]!.get('format')
  },
  {
    service: 'store',
    reason: 'crash_store',
    above: 'mailbox',
    crash: failingWrite,
    use: sendAndCount
  }
]

/** One write fails and the next would not, like on a disk that was full for a moment. */
async function failingWrite({ stores, disk }: Running): Promise<void> {
  disk.isFull = true
  await assert.rejects(stores[0]!.put('whatever', Uint8Array.of()), /no space left/)
  disk.isFull = false
}

/** What is acknowledged now must be in the store that was opened last. */
async function sendAndCount({ node, stores }: Running): Promise<void> {
  await using hub = await connect(node.status().addresses[0]!)
  const { msg_id: id } = await hub.client(mailboxService).send({ topic: 'orders', body: Uint8Array.of(1) })
  assert.equal(stores.length, 2)
  assert.ok((await stores[1]!.keys().all()).some(key => key.includes(id)))
}

for (const [i, part] of PARTS.entries()) {
  test(`counts a crash of the running ${part.service} (${i}), is not ready, and recovers where it was`, async t => {
    const running = await start(t)
    const { node, clock, lines } = running
    const before = { ...node.status() }

    await part.crash(running)
    const down = part.above === undefined ? [part.service] : [part.service, part.above]
    await until(() => clock.asleep === down.length)
    const crashed = node.status()
    clock.wake()
    await until(() => node.status().ready)

    assert.deepEqual([crashed.ready, crashed['missing']], [false, down])
    await part.use(running)
    const { addresses, http } = node.status()
    assert.deepEqual([[...addresses].sort(), http], [[...before.addresses].sort(), before.http])
    const metrics = await (await fetch(`${http}/metrics`)).text()
    const { service, reason } = part
    assert.ok(metrics.includes(`\nservice_crashes_total{service="${service}",reason="${reason}"} 1\n`))
    assert.ok(metrics.includes(`\nrejected_total{reason="${reason}"} ${down.length}\n`))
    assert.equal(lines.filter(line => line.includes('ServiceCrashed')).length, down.length)
  })
}

test('a node whose disk was found full answers disk_full with a time to come back until its store is open again', async t => {
  const running = await start(t)
  const { node, clock } = running
  await using hub = await connect(node.status().addresses[0]!)
  const box = hub.client(mailboxService)
  await failingWrite(running)
  await until(() => clock.asleep === 2)

  const refused = await box.send({ topic: 'orders' }).catch((error: unknown) => error as OapError)
  clock.wake()
  await until(() => node.status().ready)

  assert.ok(refused instanceof Error && 'code' in refused)
  assert.deepEqual([refused.code, refused.status, refused.retryable], ['disk_full', 503, true])
  assert.ok(refused.retryAfterMs! >= 1000 && refused.retryAfterMs! <= 5000)
  assert.equal((await box.send({ topic: 'orders' })).duplicate, false)
})

for (const [what, fail, error] of [
  ['closed', ({ stores }: Running) => stores[0]!.close(), 'not_ready'],
  ['full', failingWrite, 'disk_full']
] as const)
  test(`while its store is ${what} a node answers AMS with 503 and when to come back, and serves it again with the store`, async t => {
    const running = await start(t)
    const { node, clock } = running
    const url = `${node.status().http}/ams/v1/envelopes`
    const post = (id: string) => {
      const envelope = { id, type: 'note', thread: 't_a', from: 'ann', to: 'bob', payload: {} }
      return fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(envelope)
      })
    }
    const before = await post('e1')
    await fail(running)
    await until(() => clock.asleep === 2)

    const refused = [await fetch(url), await post('e2')]
    clock.wake()
    await until(() => node.status().ready)
    let after = await post('e2')
    while (after.status === 503) after = await post('e2')

    assert.equal(before.status, 201)
    for (const answer of refused) {
      assert.deepEqual([answer.status, ((await answer.json()) as { error: string }).error], [503, error])
      assert.ok(Number(answer.headers.get('retry-after')) >= 1)
    }
    assert.equal(after.status, 201)
    assert.equal((await fetch(`${url}/e1`)).status, 200)
  })

test('counts nothing and crashes nothing when it stops', async t => {
  const { node, lines } = await start(t)

  await node.stop()

  assert.deepEqual(lines, [])
})

test('tells on /readyz that a part is down', async t => {
  const { node, servers, clock } = await start(t)
  failing(servers.admin)
  await until(() => clock.asleep === 1)

  const answer = await fetch(`${node.status().http}/readyz`)

  assert.equal(answer.status, 503)
  assert.deepEqual(((await answer.json()) as { missing: unknown }).missing, ['admin'])
  clock.wake()
})

/** Its backoff lasts until the test wakes it. */
class HeldClock {
  readonly #sleepers = new Set<() => void>()

  /** How many parts wait to be started again. */
  get asleep(): number {
    return this.#sleepers.size
  }

  now(): number {
    return performance.now()
  }

  async sleep(_ms: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#sleepers.add(resolve)
    signal.addEventListener('abort', () => resolve(), { once: true })
    await promise
    this.#sleepers.delete(resolve)
  }

  wake(): void {
    for (const wake of this.#sleepers) wake()
  }
}

const FULL = Object.assign(new Error('IO error: 000003.log: no space left on device'), {
  code: 'LEVEL_IO_ERROR'
})

type Running = Awaited<ReturnType<typeof start>>

async function start(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'omnigate-crash-'))
  const data = join(folder, 'data')
  const clock = new HeldClock()
  const lines: string[] = []
  const stores: Level[] = []
  const disk = { isFull: false }
  const openStore = async (location: string): Promise<Level> => {
    const level = await openLevel(location)
    const inner = level as unknown as { _put(...args: unknown[]): Promise<void> }
    const put = inner._put.bind(level)
    inner._put = async (...args) => {
      if (disk.isFull) throw FULL
      await put(...args)
    }
    stores.push(level)
    return level
  }
  const log = pino({ level: 'error' }, { write: line => lines.push(line) })
  const node = createNode(CONFIG, { data, init: true, overrides: { log, clock, openStore } })
  t.after(async () => {
    await node.stop()
    await rm(folder, { recursive: true })
  })
  const seen = await serversOf(() => node.start())
  return { node, data, clock, lines, stores, disk, servers: byUse(seen) }
}

const CONFIG = loadConfig({
  flags: {
    'node.listen': ['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0/ws'],
    'http.listen': '127.0.0.1:0',
    'capabilities.openVerbs': ['*'],
    'strangers.loopbackIsKnown': true
  }
}).config

/** The servers that begin to listen while `work` runs, in their order. */
async function serversOf(work: () => Promise<void>): Promise<readonly Server[]> {
  const servers: Server[] = []
  const seen = (message: unknown): void => void servers.push((message as { server: Server }).server)
  subscribe('tracing:net.server.listen:asyncStart', seen)
  await work().finally(() => unsubscribe('tracing:net.server.listen:asyncStart', seen))
  return servers
}

function byUse([tcp, ws, admin, http, ...more]: readonly Server[]) {
  assert.deepEqual(more, [])
  return { tcp: tcp!, ws: ws!, admin: admin!, http: http! }
}

async function askAdmin(data: string): Promise<void> {
  await using admin = await connectAdmin(data)
  await admin.status()
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + RECOVERY_MS
  while (!condition()) {
    assert.ok(performance.now() < deadline, 'it took too long')
    await turn()
  }
}
