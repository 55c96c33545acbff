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

  await assert.rejects(ended, /no space left/i)
  assert.equal(level.status, 'closed')
})

test('ends with the first write that fails, before whoever wrote is told, and takes none after it', async () => {
  const { store, ended } = await running(failingFrom(2))
  const { level } = store
  const rights = level.sublevel('rights')

  await rights.put('a', 'before')
  const failed = rights.put('b', 'half written').catch(() => isOpen(store))
  const later = level.batch([{ type: 'put', key: 'c', value: Uint8Array.of() }])

  assert.equal(await failed, false)
  await assert.rejects(later, /an earlier write of the store failed/)
  await assert.rejects(ended, /no space left/i)
  assert.equal(level.status, 'closed')
})

test('says that the disk is full from the write that found it so until the store is open again', async () => {
  const { store, ended, again } = await running(failingFrom(1))
  const before = store.isDiskFull

  const during = await store.level.put('a', Uint8Array.of()).catch(() => store.isDiskFull)
  await ended.catch(() => undefined)
  const after = store.isDiskFull
  const stop = await again()
  const open = store.isDiskFull
  await stop()

  assert.deepEqual([before, during, after, open, store.isDiskFull], [false, true, true, false, false])
})

test('answers no write while an earlier one may yet fail', async () => {
  const first = Promise.withResolvers<void>()
  const { store } = await running(async () => {
    const level = await openLevel('memory')
    Object.assign(level, { _put: () => first.promise })
    return level
  })

  const put = store.level.put('a', Uint8Array.of())
  const changes = [
    store.level.batch([{ type: 'del', key: 'b' }]),
    store.level.del('c'),
    store.level.clear(),
    store.level.put('d', Uint8Array.of())
  ]
  first.reject(new Error('no space left'))

  await assert.rejects(put, /no space left/i)
  for (const change of changes) await assert.rejects(change, /an earlier write of the store failed/)
})

test('gives who waits the store that is opened next, unless told to stop', async () => {
  const { store, ended, again } = await running(failingFrom(1))
  const first = store.level
  const abort = new AbortController()
  await assert.rejects(first.put('a', Uint8Array.of()), /no space left/i)
  await assert.rejects(ended)

  const waits = store.opened(new AbortController().signal)
  const givesUp = store.opened(abort.signal)
  abort.abort(new Error('enough'))
  await assert.rejects(givesUp, /enough/)
  await assert.rejects(store.opened(abort.signal), /enough/)
  const stop = await again()

  assert.notEqual(await waits, first)
  assert.equal(await waits, store.level)
  await stop()
})

const isOpen = (store: NodeStore): boolean => {
  try {
    return store.level !== undefined
  } catch {
    return false
  }
}

/** Opens stores in which the write of this number, and all after it, find the disk full. */
const failingFrom = (number: number) => async (): Promise<Level> => {
  const level = await openLevel('memory')
  const inner = level as unknown as { _put(...args: unknown[]): Promise<void> }
  const put = inner._put.bind(level)
  let writes = 0
  inner._put = async (...args) => {
    if (++writes >= number)
      throw Object.assign(new Error('IO error: 000003.log: No space left on device'), {
        code: 'LEVEL_IO_ERROR'
      })
    await put(...args)
  }
  return level
}

async function running(open: () => Promise<Level> = () => openLevel('memory')) {
  const store = new NodeStore(open)
  const abort = new AbortController()
  const started = Promise.withResolvers<void>()
  const ended = store.run(started.resolve, abort.signal)
  ended.catch(() => undefined)
  await started.promise
  const again = async () => {
    const stop = new AbortController()
    const next = Promise.withResolvers<void>()
    const run = store.run(next.resolve, stop.signal)
    await next.promise
    return async () => {
      stop.abort()
      await run
    }
  }
  return { store, ended, again, stop: () => abort.abort() }
}
