import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { openLevel } from '../stores/level.ts'
import type { Level } from '../stores/level.ts'
import { digestOf } from './envelope.ts'
import { openAmsStores } from './routes/index.ts'
import type { OpenStoresOptions } from './routes/index.ts'
import { MemoryBlobs } from './routes/routes.fixture.ts'
import type { AmsTold } from './told.ts'

const DAY_MS = 86_400_000
const START_MS = Date.UTC(2026, 0, 1)

async function opened({
  level,
  blobs = new MemoryBlobs(),
  ...more
}: Partial<OpenStoresOptions> & { readonly level?: Level; readonly blobs?: MemoryBlobs } = {}) {
  const rows = level ?? (await openLevel('memory'))
  const told: AmsTold[] = []
  const clock = { ms: START_MS }
  const stores = await openAmsStores(rows, {
    tell: async one => void told.push(one),
    blobs,
    now: () => clock.ms,
    onCorrupt: key => assert.fail(key),
    onError: error => assert.fail(String(error)),
    ...more
  })
  const at = (): string => new Date(clock.ms).toISOString()
  const envelope = async (id: string, thread = 't_a') => {
    const immutable = { id, created_at: at(), type: 'note', thread, from: 'ann', to: 'bob', payload: { id } }
    const sha256 = digestOf(immutable)
    const said = { meta: {}, at: at(), by: 'ann' }
    const decision = { status: 'accepted', meta: {}, at: at(), by: 'hub' } as const
    return await stores.envelopes.create({
      immutable,
      sha256,
      proofs: [],
      status: 'queued',
      ...said,
      decision
    })
  }
  const message = async (id: string) =>
    await stores.rooms.append({ id, group: 'lobby', value: { at: at(), by: 'ann', members: { body: {} } } })
  const artifact = async (key: string, text: string) =>
    await stores.artifacts.put(
      { key, content_type: 'text/plain', note: '', by: 'ann', updated_at: at() },
      Buffer.from(text)
    )
  const ids = async (): Promise<string[]> =>
    (await stores.envelopes.list({}, { limit: 1000, isAscending: true })).items.map(one => one.immutable.id)
  return { ...stores, level: rows, told, clock, blobs, envelope, message, artifact, ids }
}

const numbered = (count: number): string[] => Array.from({ length: count }, (_, n) => `e${n}`)

void describe('retention', () => {
  void test('a run removes what was there when it began, and others write meanwhile', async () => {
    const written: Promise<unknown>[] = []
    const wereRunning: boolean[] = []
    const hub = await opened({
      onRemoved() {
        if (written.length > 0) return
        for (const id of ['new1', 'new2'])
          written.push(hub.envelope(id).then(() => wereRunning.push(hub.retention.isRunning)))
      }
    })
    await Promise.all(numbered(300).map(id => hub.envelope(id)))

    const run = await hub.retention.run({ count: 10 }, 'ops')
    await Promise.all(written)

    assert.deepEqual(await hub.ids(), [...numbered(300).slice(-10), 'new1', 'new2'])
    assert.deepEqual(wereRunning, [true, true])
    assert.deepEqual(run.removed, { envelopes: 290, messages: 0, records: 0, artifacts: 0 })
    const [thread] = await hub.envelopes.threads({ limit: 10 })
    assert.deepEqual([thread?.count, thread?.statuses['accepted']], [12, 12])
    const said = hub.told.filter(({ type }) => type === 'ams.retention').map(({ by, data }) => [by, data])
    assert.deepEqual(said, [['ops', { at_ms: START_MS, count: 10, ...run.removed, bytes: run.bytes }]])
  })

  void test('is one run at a time, which all who ask for one meanwhile get', async () => {
    const hub = await opened()
    await Promise.all(numbered(5).map(id => hub.envelope(id)))

    const asked = [hub.retention.resume(), ...[1, 2, 3].map(count => hub.retention.run({ count }, 'ops'))]
    const [, ...runs] = await Promise.all(asked)

    assert.deepEqual(
      runs.map(run => run?.removed.envelopes),
      [4, 4, 4]
    )
    assert.equal(hub.told.filter(({ type }) => type === 'ams.retention').length, 1)
  })

  void test('by days goes by when things came, past what a wrong clock has dated later', async () => {
    const hub = await opened()
    hub.clock.ms = START_MS + 500 * DAY_MS
    await hub.envelope('later')
    hub.clock.ms = START_MS
    await hub.envelope('old')
    await hub.message('old')
    await hub.artifact('old', 'text')
    await hub.artifact('changed', 'one')
    hub.clock.ms += 9 * DAY_MS
    await hub.envelope('young')
    await hub.message('young')
    await hub.artifact('changed', 'two')
    hub.clock.ms += 2 * DAY_MS

    const { removed } = await hub.retention.run({ days: 10 }, 'hub')
    const again = await hub.retention.run({ days: 10 }, 'hub')

    assert.deepEqual(removed, { envelopes: 1, messages: 1, records: 0, artifacts: 1 })
    assert.deepEqual(await hub.ids(), ['later', 'young'])
    assert.equal(await hub.artifacts.get('old'), undefined)
    assert.equal(hub.blobs.held.size, 1)
    assert.equal((await hub.artifacts.get('changed'))?.bytes, 3)
    assert.equal(again.bytes, 0)
    assert.equal(hub.told.filter(({ type }) => type === 'ams.retention').length, 1)
  })

  void test('cursors of what was removed go on, and an id that is posted again is new', async () => {
    const hub = await opened()
    for (const id of numbered(6)) await hub.envelope(id)
    const page = await hub.envelopes.list({}, { limit: 2, isAscending: true })

    await hub.retention.run({ count: 1 }, 'ops')
    const again = await hub.envelope('e0')
    const rest = await hub.envelopes.list({}, { limit: 9, isAscending: true, after: page.next })

    assert.equal(page.next, 2)
    assert.deepEqual([again.isNew, again.stored.place, again.stored.latest.n], [true, 7, 1])
    assert.deepEqual(
      rest.items.map(({ place }) => place),
      [6, 7]
    )
  })

  void test('gives all bytes back, those of long chains too, and leaves no row but counts', async () => {
    const hub = await opened()
    const { stored } = await hub.envelope('e1')
    for (let n = 0; n < 300; n++)
      await hub.envelopes.change('e1', { meta: { n }, at: stored.latest.at, by: 'ann' })
    await hub.envelopes.redact('e1', { meta: {}, at: stored.latest.at, by: 'ops' })
    await hub.message('m1')
    await hub.artifact('a1', 'text')
    const used = hub.fill.used
    hub.clock.ms += 3 * DAY_MS

    const { bytes } = await hub.retention.run({ days: 2 }, 'ops')

    assert.deepEqual([hub.fill.used, bytes], [0, used])
    const keys = (await hub.level.keys().all()).map(String)
    assert.deepEqual(
      keys.filter(key => !/^format$|^(?:!ams!|!ams-(?:room|artifact)!)[nb]$|^!ams-retention!last$/.test(key)),
      []
    )
  })

  void test('a run that was broken off goes on, and is told once with all that it removed', async () => {
    const first = await opened({
      onRemoved() {
        throw new Error('the process ended')
      }
    })
    await Promise.all(numbered(200).map(id => first.envelope(id)))
    await first.artifact('a1', 'one')
    await first.artifact('a2', 'two')
    await assert.rejects(first.retention.run({ count: 1 }, 'ops'))
    const left = (await first.ids()).length

    const { level, blobs } = first
    const second = await opened({ level, blobs })
    const run = await second.retention.resume()

    assert.ok(left > 1 && left < 200, `${left} were left`)
    assert.deepEqual([run?.removed.envelopes, run?.removed.artifacts, blobs.held.size], [199, 1, 1])
    assert.deepEqual(await second.ids(), ['e199'])
    assert.deepEqual(
      second.told.map(({ type, data }) => [type, data['envelopes']]),
      [['ams.retention', 199]]
    )
    assert.equal(await second.retention.resume(), undefined)
    const { fill } = await opened({ level, blobs })
    assert.equal(fill.used, second.fill.used)
  })

  void test('bytes whose artifact is gone are let go of later where that failed', async () => {
    let isBroken = true
    class Broken extends MemoryBlobs {
      override async release(id: string): Promise<void> {
        if (isBroken) throw new Error('the store of blobs is closed')
        await super.release(id)
      }
    }
    const errors: unknown[] = []
    const hub = await opened({ blobs: new Broken(), onError: error => void errors.push(error) })
    await hub.artifact('a1', 'one')

    await hub.artifacts.remove('a1', { by: 'olga' })
    const held = hub.blobs.held.size
    isBroken = false
    await hub.retention.resume()

    assert.deepEqual([held, errors.length, hub.blobs.held.size], [1, 1, 0])
  })
})
