import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { createFile, createFolder, readBoundedFile, readSecretFile, replaceFile } from './durable-file.ts'
import { EXIT, SetupError } from './setup-error.ts'

test('creates a file for its owner alone and never twice', async t => {
  const path = join(scratch(t), 'file')
  await createFile(path, 'first')

  await assert.rejects(createFile(path, 'second'), exits(EXIT.cannotCreate))

  assert.equal(readFileSync(path, 'utf8'), 'first')
  assert.equal(statSync(path).mode & 0o777, 0o600)
  assert.deepEqual(readdirSync(join(path, '..')), ['file'])
})

test('creates a file for exactly one of many at once', async t => {
  const path = join(scratch(t), 'file')

  const results = await Promise.allSettled(['a', 'b', 'c', 'd'].map(text => createFile(path, text)))

  assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1)
  assert.deepEqual(readdirSync(join(path, '..')), ['file'])
})

test('replaces a file, and leaves the old one when it cannot', async t => {
  const folder = scratch(t)
  await replaceFile(join(folder, 'file'), 'first')
  await replaceFile(join(folder, 'file'), 'second')
  mkdirSync(join(folder, 'taken'))

  await assert.rejects(replaceFile(join(folder, 'taken'), 'x'), exits(EXIT.badInput))

  assert.equal(readFileSync(join(folder, 'file'), 'utf8'), 'second')
  assert.deepEqual(readdirSync(folder).sort(), ['file', 'taken'])
})

test('makes a folder of files whole or not at all', async t => {
  const folder = scratch(t)

  await assert.rejects(createFolder(join(folder, 'keys'), { one: '1', 'no/such': '2' }), exits(EXIT.noInput))
  assert.deepEqual(readdirSync(folder), [])

  await createFolder(join(folder, 'keys'), { one: '1', two: '2' })
  assert.deepEqual(readdirSync(join(folder, 'keys')).sort(), ['one', 'two'])
})

test('says where a parent folder is missing', async t => {
  await assert.rejects(createFile(join(scratch(t), 'none', 'file'), ''), exits(EXIT.noInput))
})

test('reads only regular files within bounds', async t => {
  const folder = scratch(t)
  writeFileSync(join(folder, 'file'), '12345678', { mode: 0o600 })
  symlinkSync('loop', join(folder, 'loop'))
  spawnSync('mkfifo', ['-m', '600', join(folder, 'pipe')])
  const read = (name: string, maxBytes: number) => readSecretFile(join(folder, name), { maxBytes })

  assert.equal(await read('file', 8), '12345678')
  await assert.rejects(read('file', 7), exits(EXIT.badInput))
  await assert.rejects(read('loop', 7), exits(EXIT.badInput))
  await assert.rejects(read('pipe', 7), exits(EXIT.badInput))
  await assert.rejects(read('.', 7), exits(EXIT.badInput))
  await assert.rejects(readBoundedFile('/dev/zero', { maxBytes: 7 }), exits(EXIT.badInput))
})

function scratch(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'durable-file-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

function exits(code: number) {
  return (error: unknown) => {
    assert.ok(error instanceof SetupError, String(error))
    assert.equal(error.exitCode, code, error.message)
    return true
  }
}
