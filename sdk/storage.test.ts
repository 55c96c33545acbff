import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import type { TestContext } from 'node:test'
import { cidOf, cidText } from '../protocols/index.ts'
import { addressOf, clientFor, nodeFor, overEach, relayTo } from './hub.fixture.ts'
import type { Way } from './hub.fixture.ts'
import { ConflictError, NotFoundError, RequestError } from './index.ts'
import type { BlobStream } from './index.ts'

const ABSENT = cidText(cidOf('raw', createHash('sha256').update('nobody has this').digest()))

overEach('blobs are stored and come back with what was said of them', async (t, way) => {
  const { hub } = await storageHub(t, way)

  const stored = await hub.storage.put('hello', { class: 'public', contentType: 'text/plain' })
  const stream = await hub.storage.get(stored.cid)

  assert.deepEqual(stored, {
    cid: 'bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq',
    length: 5
  })
  assert.deepEqual(
    [stream.cid, stream.offset, stream.length, stream.totalLength, stream.contentType],
    [stored.cid, 0, 5, 5, 'text/plain']
  )
  assert.equal(await stream.text(), 'hello')
})

overEach('blobs are stored piece by piece, and read piece by piece', async (t, way) => {
  const { hub } = await storageHub(t, way)
  const bytes = randomBytes(1_000_000)
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += 70_000) yield bytes.subarray(at, at + 70_000)
  }

  const { cid, length } = await hub.storage.put(pieces())

  assert.equal(length, bytes.length)
  assert.ok(Buffer.concat(await all(await hub.storage.get(cid))).equals(bytes))
})

overEach('blobs can be asked for in part', async (t, way) => {
  const { hub } = await storageHub(t, way)
  const bytes = randomBytes(300_000)
  const { cid } = await hub.storage.put(bytes)

  const part = await hub.storage.get(cid, { range: { offset: 100_000, length: 50 } })
  const rest = await hub.storage.get(cid, { range: { offset: 299_990 } })

  assert.deepEqual(Buffer.from(await part.bytes()), bytes.subarray(100_000, 100_050))
  assert.deepEqual(Buffer.from(await rest.bytes()), bytes.subarray(299_990))
})

overEach('blobs are there or not, one or many', async (t, way) => {
  const { hub } = await storageHub(t, way)
  const { cid } = await hub.storage.put('hello')

  assert.equal(await hub.storage.has(cid), true)
  assert.equal(await hub.storage.has(ABSENT), false)
  assert.deepEqual(await hub.storage.has([ABSENT, cid, ABSENT]), [false, true, false])
})

overEach('blobs end with errors of their classes', async (t, way) => {
  const { hub } = await storageHub(t, way)
  const { cid } = await hub.storage.put('hello')

  await assert.rejects(hub.storage.get(ABSENT), NotFoundError)
  await assert.rejects(hub.storage.get('not a cid'), code(RequestError, 'bad_cid'))
  await assert.rejects(hub.storage.get(cid, { range: { offset: 5 } }), code(RequestError, 'bad_range'))
  await assert.rejects(hub.storage.put('hello', { cid: ABSENT }), code(ConflictError, 'bad_digest'))
  const stream = await hub.storage.get(cid)
  await assert.rejects(stream.bytes({ maxBytes: 4 }), code(RequestError, 'body_oversize'))
  const once = await hub.storage.get(cid)
  await once.bytes()
  assert.throws(() => once[Symbol.asyncIterator](), TypeError)
})

overEach('blobs go on where they were when the connection is lost', async (t, way) => {
  const node = await nodeFor(t, way)
  const relay = await relayTo(t, addressOf(node, way))
  const hub = await clientFor(t, way, relay.address)
  const bytes = randomBytes(3_000_000)
  const { cid } = await hub.storage.put(bytes)

  const pieces: Uint8Array[] = []
  for await (const piece of await hub.storage.get(cid)) {
    if (pieces.push(piece) === 5) relay.cut()
  }

  assert.ok(Buffer.concat(pieces).equals(bytes))
  assert.ok(relay.dials() >= 2)
})

overEach('blobs of which the reader leaves early are ended', async (t, way) => {
  const { hub } = await storageHub(t, way)
  const { cid } = await hub.storage.put(randomBytes(3_000_000))

  for await (const _ of await hub.storage.get(cid)) break

  assert.equal(await hub.storage.has(cid), true)
})
async function storageHub(t: TestContext, way: Way) {
  const node = await nodeFor(t, way)
  return { node, hub: await clientFor(t, way, addressOf(node, way)) }
}

async function all(stream: BlobStream): Promise<Uint8Array[]> {
  const pieces: Uint8Array[] = []
  for await (const piece of stream) pieces.push(piece)
  return pieces
}

const code =
  (errorClass: new (...args: never[]) => Error, expected: string) =>
  (error: unknown): boolean =>
    error instanceof errorClass && (error as Error & { readonly code?: string }).code === expected
