import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Level } from './level.ts'
import { openLevel } from './level.ts'
import { NodeStore } from './node-store.ts'

test('gives the open store until it is told to stop, and closes it', async () => {
  const { store, ended, stop } = await running()
  const { level } = store

  stop()
  await ended

  assert.equal(level.status, 'closed')
  assert.throws(() => store.level, /not open/)
})

test('fails when the store is closed under it', async () => {
  const { store, ended } = await running()

  await store.level.close()

  await assert.rejects(ended, /the store was closed/)
})

test('fails within 5 s when the store takes no writes any more', async t => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const { store, ended } = await running()
  const { level } = store

  t.mock.timers.tick(5000)
  level.put = () => Promise.reject(new Error('no space left on device'))
  t.mock.timers.tick(4999)
  assert.equal(store.level, level)
  t.mock.timers.tick(1)

  await assert.rejects(ended, /no space left/)
  assert.equal(level.status, 'closed')
})

async function running() {
  const store = new NodeStore((): Promise<Level> => openLevel('memory'))
  const abort = new AbortController()
  const started = Promise.withResolvers<void>()
  const ended = store.run(started.resolve, abort.signal)
  ended.catch(() => undefined)
  await started.promise
  return { store, ended, stop: () => abort.abort() }
}
