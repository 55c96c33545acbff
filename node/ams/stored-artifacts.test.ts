import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ArtifactBlobs } from './artifact-shelf.ts'
import { TENANT, given, seeded } from '../stores/blobs/blobs.fixture.ts'
import { storedArtifacts } from './stored-artifacts.ts'

async function read(blobs: ArtifactBlobs, id: string): Promise<Buffer | undefined> {
  using found = await blobs.open(id)
  if (found === undefined) return undefined
  const pieces: Uint8Array[] = []
  for await (const piece of found.pieces) pieces.push(piece)
  const bytes = Buffer.concat(pieces)
  assert.equal(found.length, bytes.length)
  return bytes
}

test('bytes of any length are given back as they were, also after a restart', async t => {
  const kept = await given(t)
  const blobs = storedArtifacts(() => kept.store, { tenant: TENANT })
  const all = [0, 1, 70_000, 2 * 1024 * 1024].map(length => seeded(length, length))

  const ids = await Promise.all(all.map(bytes => blobs.put(bytes)))
  const again = await blobs.put(all[2]!)
  await kept.reopen()

  assert.equal(again, ids[2])
  for (const [n, id] of ids.entries()) assert.ok((await read(blobs, id))!.equals(all[n]!), id)
})

test('bytes that are let go of are gone for who opens them then, and stay for who reads them', async t => {
  const kept = await given(t, { inMemory: true })
  const blobs = storedArtifacts(() => kept.store, { tenant: TENANT })
  const bytes = seeded('a', 700_000)
  const id = await blobs.put(bytes)
  using open = (await blobs.open(id))!

  await blobs.release(id)
  await blobs.release(id)

  assert.equal(await blobs.open(id), undefined)
  const pieces: Uint8Array[] = []
  for await (const piece of open.pieces) pieces.push(piece)
  assert.ok(Buffer.concat(pieces).equals(bytes))
})

test('more than the artifacts may take is refused, and so is what another tenant has', async t => {
  const kept = await given(t, { inMemory: true })
  const blobs = storedArtifacts(() => kept.store, { tenant: TENANT, tenantBytes: 100_000 })
  const others = storedArtifacts(() => kept.store, { tenant: 'other' })
  const id = await others.put(seeded('a', 10))

  await assert.rejects(blobs.put(seeded('b', 200_000)), { code: 'storage_full', status: 429 })
  assert.equal(await blobs.open(id), undefined)
})
