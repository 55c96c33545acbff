import assert from 'node:assert/strict'
import { appendFile, mkdir, mkdtemp, readdir, rename, rm, rmdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import test from 'node:test'
import type { TestContext } from 'node:test'
import { echoService } from '../../protocols/index.ts'
import { connect } from '../../sdk/index.ts'
import { loadConfig } from '../config/index.ts'
import { endings } from '../endings.fixture.ts'
import type { NodeOverrides } from '../node-options.ts'
import { createNode } from '../node.ts'
import type { OmnigateNode } from '../node.ts'
import { entriesIn } from './entries.fixture.ts'

const PATIENCE_MS = 60_000

async function folder(t: TestContext): Promise<string> {
  const top = await mkdtemp(join(tmpdir(), 'omnigate-life-'))
  endings(t).defer(() => rm(top, { recursive: true, force: true }))
  return join(top, 'hub')
}

function nodeOf(t: TestContext, data: string, overrides: NodeOverrides = {}): OmnigateNode {
  const { config } = loadConfig({
    flags: {
      'node.listen': ['/ip4/127.0.0.1/tcp/0'],
      'http.enabled': false,
      'log.level': 'silent',
      'capabilities.openVerbs': ['echo:call']
    }
  })
  const node = createNode(config, { data, init: true, overrides })
  endings(t).use(node)
  return node
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  while (!condition()) {
    assert.ok(performance.now() < deadline, 'it took too long')
    await turn()
  }
}

async function liveOnce(t: TestContext, data: string): Promise<void> {
  const node = nodeOf(t, data)
  await node.start()
  await using hub = await connect(node.status().addresses[0]!)
  await hub.client(echoService).echo({})
  await node.stop()
}

test('a life begins with its start, before a repair, and ends with its stop, after the last counts', async t => {
  const data = await folder(t)
  await liveOnce(t, data)
  const lines = (await entriesIn(data)).length
  const segments = join(data, 'audit', 'segments')
  await appendFile(join(segments, (await readdir(segments))[0]!, 'entries.ndjson'), '{"actor":"no')

  await liveOnce(t, data)

  const types = (await entriesIn(data)).map(({ type }) => type)
  const lives = [types.slice(0, lines), types.slice(lines)]
  assert.deepEqual(
    lives.map(life => [life.at(0), life.at(-1)]),
    [
      ['start', 'stop'],
      ['start', 'stop']
    ]
  )
  assert.equal(lives[1]![1], 'torn_tail')
  for (const life of lives) {
    assert.ok(life.includes('summary'))
    assert.equal(life.filter(type => type === 'start' || type === 'stop').length, 2)
  }
})

test('a start that fails is a life that ends with a failure', async t => {
  const data = await folder(t)
  await liveOnce(t, data)
  const before = (await entriesIn(data)).length
  const failing = {
    service: 'sample',
    crashReason: 'crash_exception' as const,
    run: () => Promise.reject(new Error('no'))
  }

  await assert.rejects(nodeOf(t, data, { parts: [failing] }).start(), /no/)

  const life = (await entriesIn(data)).slice(before)
  assert.deepEqual([life[0]!.type, life.at(-1)!.type], ['start', 'stop'])
  assert.equal(life.at(-1)!.data['cause'], 'failure')
})

test('a crash of the log itself is recorded, with its time, when the log is open again', async t => {
  const data = await folder(t)
  let wake: (() => void) | undefined
  const clock = {
    now: () => performance.now(),
    sleep: () => new Promise<void>(resolve => (wake = resolve))
  }
  const node = nodeOf(t, data, { clock })
  await node.start()
  const checkpoint = join(data, 'audit', 'checkpoint')
  await node.capabilities().addTenant({ name: 'acme' }, { actor: 'local' })
  await rename(checkpoint, `${checkpoint}.aside`).catch(() => undefined)
  await mkdir(checkpoint)
  const since = Date.now()

  // The next checkpoint finds no place.
  await node
    .capabilities()
    .addTenant({ name: 'second' }, { actor: 'local' })
    .catch(() => undefined)
  await until(() => wake !== undefined)
  const crashedBy = Date.now()
  await rmdir(checkpoint)
  await rename(`${checkpoint}.aside`, checkpoint).catch(() => undefined)
  wake!()
  await until(() => node.status().ready)
  await node.stop()

  const entries = await entriesIn(data)
  const crash = entries.find(({ type }) => type === 'crash')
  assert.ok(crash !== undefined, entries.map(({ type }) => type).join(' '))
  assert.deepEqual([crash.data['part'], crash.data['reason']], ['audit', 'crash_store'])
  const at = Number(crash.data['at_ms'])
  assert.ok(at >= since && at <= crashedBy && at <= crash.ts)
  assert.equal(entries.filter(({ type }) => type === 'start').length, 1)
  assert.equal(entries.at(-1)!.type, 'stop')
})
