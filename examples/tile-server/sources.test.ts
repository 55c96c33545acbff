import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { NotFoundError } from 'omnigate/sdk'
import { islandTile } from './island.ts'
import { blobTiles, listBytes, parseList } from './blob-tiles.ts'
import { folderTiles } from './folder-tiles.ts'
import { tile } from './handlers.ts'
import { httpEdge } from './http-edge.ts'
import { Served } from './served.ts'

test('a folder gives its files, and links that stay in it', async t => {
  const folder = newFolder(t)
  writeFileSync(join(folder, 'tiles/1.png'), 'one')
  symlinkSync('1.png', join(folder, 'tiles/2.png'))
  const tiles = await folderTiles(join(folder, 'tiles'))

  assert.deepEqual(await tile(tiles, '/1.png'), { contentType: 'image/png', bytes: Buffer.from('one') })
  assert.equal(String((await tile(tiles, '/2.png')).bytes), 'one')
})

test('a link that leaves the folder is 403, of a file and of a folder, and so is a neighbour with a longer name', async t => {
  const folder = newFolder(t)
  mkdirSync(join(folder, 'tiles-secret'))
  for (const name of ['secret.png', 'tiles-secret/1.png']) writeFileSync(join(folder, name), 'secret')
  symlinkSync('../secret.png', join(folder, 'tiles/1.png'))
  symlinkSync('..', join(folder, 'tiles/up'))
  symlinkSync('../tiles-secret', join(folder, 'tiles/near'))
  const tiles = await folderTiles(join(folder, 'tiles'))

  for (const path of ['/1.png', '/up/secret.png', '/near/1.png'])
    await assert.rejects(tile(tiles, path), { status: 403, code: 'outside_folder' })
})

test('what is no file, and what is too long, is said so without a wait', { timeout: 60_000 }, async t => {
  const folder = newFolder(t)
  mkdirSync(join(folder, 'tiles/folder.png'))
  symlinkSync('loop.png', join(folder, 'tiles/loop.png'))
  writeFileSync(join(folder, 'tiles/file.png'), 'x')
  writeFileSync(join(folder, 'tiles/long.png'), Buffer.alloc(1_048_577))
  if (process.platform !== 'win32') execFileSync('mkfifo', [join(folder, 'tiles/pipe.png')])
  const tiles = await folderTiles(join(folder, 'tiles'))

  for (const path of ['/absent.png', '/folder.png', '/loop.png', '/pipe.png', '/file.png/1.png'])
    await assert.rejects(tile(tiles, path), { status: 404, code: 'not_found' }, path)
  await assert.rejects(tile(tiles, '/long.png'), { status: 413, code: 'tile_oversize' })
})

test('HTTP serves what OAP does, and judges the path as it was written', async t => {
  const folder = newFolder(t)
  writeFileSync(join(folder, 'tiles/1.png'), 'one')
  const served = new Served(performance.now())
  await using edge = await httpEdge(await folderTiles(join(folder, 'tiles')), served, '127.0.0.1:0')

  const told = async (path: string, method = 'GET') => {
    const asked = request(new URL(edge.url), { path, method }).end()
    const answer = await new Promise<IncomingMessage>(done => asked.once('response', done))
    return [answer.statusCode, answer.headers['content-type'], await text(answer)]
  }

  assert.deepEqual(await told('/1.png?v=2'), [200, 'image/png', 'one'])
  assert.deepEqual(await told('/1.png', 'HEAD'), [200, 'image/png', ''])
  for (const path of ['/../secret.png', '/%2e%2e/secret.png', '/..%2fsecret.png', '//etc/1.png'])
    assert.equal((await told(path))[0], 403, path)
  for (const path of ['/%', '/%252e%252e/1.png', '/1.svg', 'http://elsewhere/1.png'])
    assert.equal((await told(path))[0], 400, path)
  assert.match(String(await told('/2.png')), /^404,application\/json,\{"code":"not_found"/)
  assert.equal((await told('/1.png', 'DELETE'))[0], 405)
  assert.match(served.text(performance.now()), /^2 tiles, 9 refused, /)
})

test('a list of tiles is read back, and what is none is refused', () => {
  const list = new Map([['/0/0/0.png', 'bafkrei']])

  assert.deepEqual(parseList(listBytes(list)), list)
  for (const wrong of ['{}', '{"tiles":{}}', '{"tiles":{"/1.png":5}}', '{"tiles":"x"}', 'no json'])
    assert.throws(() => parseList(Buffer.from(wrong)), RangeError)
})

test('a tile that the hub no longer has is absent, and one that is too long is not read', async () => {
  const list = listBytes(
    new Map([
      ['/1.png', 'gone'],
      ['/2.png', 'long']
    ])
  )
  const blobs: Record<string, object> = {
    list: { bytes: () => Promise.resolve(list) },
    long: { totalLength: 1_048_577, bytes: () => assert.fail('it is read') }
  }
  const storage = {
    get: (cid: string) =>
      blobs[cid] ? Promise.resolve(blobs[cid]) : Promise.reject(new NotFoundError('not_found'))
  }
  const tiles = await blobTiles({ storage } as unknown as Parameters<typeof blobTiles>[0], 'list')

  for (const path of ['/1.png', '/3.png']) await assert.rejects(tile(tiles, path), { status: 404 })
  await assert.rejects(tile(tiles, '/2.png'), { status: 413 })
})

test('the island is the same each time, and its zooms fit', () => {
  assert.deepEqual(islandTile(2, 1, 3), islandTile(2, 1, 3))
  assert.notDeepEqual(islandTile(2, 1, 3), islandTile(2, 1, 2))
})

test('what was served is told with rates and the times of most', () => {
  const served = new Served(1000)
  for (let n = 1; n <= 100; n++) served.tile(1_048_576, n)
  served.refused()

  assert.equal(
    served.text(11_000),
    '100 tiles, 1 refused, 10.0 tiles/s, 10.00 MiB/s, p50 51.0 ms, p99 100.0 ms'
  )
})

function newFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'omnigate-tiles-'))
  mkdirSync(join(folder, 'tiles'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
