import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ArtifactStore } from '../stores/ams/index.ts'
import { openLevel } from '../stores/level.ts'
import { ArtifactShelf } from './artifact-shelf.ts'
import { MemoryBlobs, NOW } from './routes/routes.fixture.ts'

const as = (key: string) => ({ key, content_type: 'text/plain', note: '', by: 'ann', updated_at: NOW })
const bytes = (text: string): Uint8Array => Buffer.from(text)

async function shelf(blobs = new MemoryBlobs(), tell: () => Promise<void> = async () => undefined) {
  const level = await openLevel('memory')
  const errors: unknown[] = []
  const store = await ArtifactStore.open(level, { tell, onCorrupt: key => void errors.push(key) })
  const onError = (error: unknown): void => void errors.push(error)
  return { shelf: new ArtifactShelf(store, blobs, { onError }), store, blobs, errors, level }
}

test('bytes are let go of when no artifact has them any more, and not before', async () => {
  const { shelf: artifacts, blobs } = await shelf()
  await artifacts.put(as('a'), bytes('same'))
  await artifacts.put(as('b'), bytes('same'))

  await artifacts.put(as('a'), bytes('other'))
  assert.equal(blobs.held.size, 2)
  await artifacts.put(as('b'), bytes('other'))

  assert.deepEqual(
    [...blobs.held.values()].map(held => Buffer.from(held).toString()),
    ['other']
  )
})

test('of many at once under few keys each ends with the bytes that it says it has, and no others are kept', async () => {
  const { shelf: artifacts, blobs, errors } = await shelf()
  const texts = ['1', '2', '3']

  await Promise.all(
    Array.from({ length: 300 }, (_, n) => artifacts.put(as(`k${n % 5}`), bytes(texts[(n * 7) % 3]!)))
  )

  const kept = await artifacts.list({ limit: 10 })
  assert.equal(kept.length, 5)
  for (const { key, content_id } of kept) {
    assert.ok(blobs.held.has(content_id), key)
    using found = (await artifacts.read(key))!.bytes
    assert.equal(found.length, 1)
  }
  assert.deepEqual(
    [...blobs.held.keys()].sort(),
    [...new Set(kept.map(({ content_id }) => content_id))].sort()
  )
  assert.deepEqual(errors, [])
})

test('bytes whose artifact could not be kept are let go of, and what was there stays', async () => {
  const blobs = new MemoryBlobs()
  const { shelf: artifacts, level } = await shelf(blobs)
  await artifacts.put(as('a'), bytes('old'))
  const broken = { value: () => Promise.reject(new Error('the disk broke')), configurable: true }
  Object.defineProperty(level, 'batch', broken)

  await assert.rejects(artifacts.put(as('a'), bytes('new')), /the disk broke/)

  Reflect.deleteProperty(level, 'batch')
  assert.equal(blobs.held.size, 1)
  using found = (await artifacts.read('a'))!.bytes
  assert.equal(found.length, 3)
})

test('what was durable and not told when the process ended is told at the next opening, and once', async () => {
  const telling = Promise.withResolvers<void>()
  const {
    shelf: artifacts,
    store,
    level
  } = await shelf(new MemoryBlobs(), () => {
    telling.resolve()
    return new Promise(() => undefined)
  })
  void artifacts.put(as('a'), bytes('x'))
  await telling.promise
  await store.idle()
  const told: string[] = []
  const again = () =>
    ArtifactStore.open(level, {
      tell: async ({ key }) => void told.push(key),
      onCorrupt: key => void told.push(key)
    })

  await again()
  await again()

  assert.deepEqual(told, ['a'])
})

test('bytes that are gone are an error, and a key that is not there is none', async () => {
  const { shelf: artifacts, blobs } = await shelf()
  await artifacts.put(as('a'), bytes('x'))
  blobs.held.clear()

  await assert.rejects(artifacts.read('a'), /artifact a: its bytes are not there/)
  assert.equal(await artifacts.read('b'), undefined)
})
