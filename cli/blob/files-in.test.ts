import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { filesIn, isFolder } from './files-in.ts'

test('the files of a folder come by name, those of folders in it too, and links do not', async t => {
  const folder = newFolder(t)
  mkdirSync(join(folder, 'b/deep'), { recursive: true })
  for (const name of ['c.txt', 'a.txt', 'b/deep/x', 'b/y']) writeFileSync(join(folder, name), name)
  symlinkSync('/etc/passwd', join(folder, 'a-link'))
  symlinkSync(folder, join(folder, 'b/loop'))

  const names = (await filesIn(folder)).map(({ name }) => name)

  assert.deepEqual(names, ['a.txt', 'b/deep/x', 'b/y', 'c.txt'])
})

test('a folder that goes too deep is refused, and one that cannot be read says so', async t => {
  const folder = newFolder(t)
  mkdirSync(join(folder, Array.from({ length: 70 }, () => 'd').join('/')), { recursive: true })

  await assert.rejects(filesIn(folder), { exitCode: 65 })
  await assert.rejects(filesIn(join(folder, 'absent')), /absent/)
  assert.equal(await isFolder(folder), true)
  assert.equal(await isFolder(join(folder, 'absent')), false)
})

function newFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'omnigate-files-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
