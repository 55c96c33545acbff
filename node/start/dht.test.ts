import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { allow, hubFolder, linked, startHub, until } from '../links/hubs.fixture.ts'

const OPTIONS = { timeout: 120_000 }

test('a node whose DHT folder cannot be opened links and announces all the same', OPTIONS, async t => {
  const data = hubFolder(t)
  const before = await startHub(t, { data })
  await before.node.stop()
  writeFileSync(join(data, 'dht'), 'no folder')

  const a = await startHub(t, { data })
  const b = await startHub(t)
  await allow(a, b)
  await linked(a, b)
  const { id } = await a.operator.capabilities.tenant_show({ tenant: 'default' })
  await a.operator.storage.put({ class: 'public' }, { tenant: id, body: [Buffer.from('hello')] })

  await until(async () => (await a.operator.dht.dht_stats({})).announced === 1, 'it is announced')
})

test(
  'what is to be announced is known after a restart, and not announced again at once',
  OPTIONS,
  async t => {
    const data = hubFolder(t)
    const a = await startHub(t, { data })
    const b = await startHub(t)
    await allow(a, b)
    await linked(a, b)
    const { id } = await a.operator.capabilities.tenant_show({ tenant: 'default' })
    await a.operator.storage.put({ class: 'public' }, { tenant: id, body: [Buffer.from('hello')] })
    await until(async () => (await a.operator.dht.dht_stats({})).announced === 1, 'it is announced')
    await a.node.stop()

    const again = await startHub(t, { data })
    const stats = await until(async () => {
      const now = await again.operator.dht.dht_stats({})
      return now.open && now.roots === 1 && now
    }, 'the DHT is open')

    assert.deepEqual([stats.roots, stats.announced], [1, 0])
  }
)
