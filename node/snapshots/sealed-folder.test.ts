import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { SNAPSHOTS, sealOf, sealedItem } from '../../federation/index.ts'
import { snapshotFiles, wholeFolder } from './sealed-folder.ts'

test('a folder with files in folders is whole, until one more is there', async t => {
  const folder = sealedFolder(t, ['a', 'deep/b'])
  assert.ok('value' in (await wholeFolder(folder)))

  writeFileSync(join(folder, 'deep', 'c'), '')

  assert.deepEqual(await wholeFolder(folder), { why: 'extra', about: '"deep/c"' })
})

test('an empty folder is extra, too, and a tree of them is not walked', async t => {
  const folder = sealedFolder(t, ['a'])
  for (let n = 0; n < 100; n++) mkdirSync(join(folder, `d${n}`, 'e', 'f'), { recursive: true })

  const { why, about } = (await wholeFolder(folder)) as { why: string; about: string }

  assert.equal(why, 'extra')
  assert.match(about, /^"d\d+\/e\/f"$/)
})

test('a file of the same length with other bytes is changed', async t => {
  const folder = sealedFolder(t, ['a'])

  writeFileSync(join(folder, 'a'), 'b')

  assert.deepEqual(await wholeFolder(folder), { why: 'changed', about: 'a' })
})

test('a link to a folder is no file, and is not followed', async t => {
  const folder = sealedFolder(t, ['a'])

  symlinkSync('/', join(folder, 'root'))

  assert.deepEqual(await wholeFolder(folder), { why: 'not_a_file', about: '"root"' })
})

test('more files, or larger ones, than a seal may have are refused unread', async t => {
  const folder = sealedFolder(t, ['a'])
  truncateSync(join(folder, 'sha256.json'), SNAPSHOTS.sealBytes + 1)
  assert.equal(((await wholeFolder(folder)) as { why: string }).why, 'too_large')

  const deep = sealedFolder(t, ['a'])
  mkdirSync(join(deep, ...Array.from({ length: 9 }, () => 'd')), { recursive: true })
  assert.equal(((await wholeFolder(deep)) as { why: string }).why, 'path')

  const many = sealedFolder(t, ['a'])
  for (let n = 0; n < SNAPSHOTS.packageFiles; n++) writeFileSync(join(many, `f${n}`), '')
  assert.equal(((await snapshotFiles(many)) as { why: string }).why, 'too_large')

  const large = sealedFolder(t, ['a'])
  truncateSync(join(large, 'a'), SNAPSHOTS.packageBytes + 1)
  assert.equal(((await snapshotFiles(large)) as { why: string }).why, 'too_large')
})

test('a folder that is not there is said to be missing', async t => {
  await assert.rejects(wholeFolder(join(sealedFolder(t, ['a']), 'none')), { reason: 'noInput' })
})

/** Each file holds its own path; the signature is none, and not looked at here. */
function sealedFolder(t: TestContext, paths: readonly string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'omnigate-sealed-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  for (const path of paths) {
    mkdirSync(join(folder, path, '..'), { recursive: true })
    writeFileSync(join(folder, path), path)
  }
  const items = paths.map(path => sealedItem(path, Buffer.from(path)))
  writeFileSync(join(folder, 'sha256.json'), sealOf('test/1', 1_795_000_000, items).text)
  writeFileSync(join(folder, 'sha256.json.minisig'), 'none\n')
  return folder
}
