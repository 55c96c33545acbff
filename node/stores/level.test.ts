import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { ClassicLevel } from 'classic-level'
import { refusal } from '../refusal.fixture.ts'
import { EXIT, SetupError } from '../setup-error.ts'
import { type Level, openLevel, storeError } from './level.ts'

test('keeps bytes on disk from one opening to the next', async t => {
  const path = scratch(t)
  const first = await openLevel(path)
  await first.put('key', Uint8Array.of(1, 2))
  await first.close()

  await using second = await openLevel(path)

  assert.deepEqual([...((await second.get('key')) ?? [])], [1, 2])
})

test('starts empty in memory each time', async () => {
  await using first = await openLevel('memory')
  await first.put('key', Uint8Array.of(1))
  await using second = await openLevel('memory')

  assert.equal(await second.get('key'), undefined)
})

test('migrates an older store step by step, once', async t => {
  const path = scratch(t)
  await (await openLevel(path)).close()
  const steps: number[] = []
  const migrations = [1, 2].map(step => async (level: Level) => {
    steps.push(step)
    await level.put(`step${step}`, Uint8Array.of(step))
  })

  await (await openLevel(path, { migrations: migrations.slice(0, 1) })).close()
  await (await openLevel(path, { migrations })).close()
  await (await openLevel(path, { migrations })).close()

  assert.deepEqual(steps, [1, 2])
})

test('refuses a store of a newer format', async t => {
  const path = scratch(t)
  await (await openLevel(path, { migrations: [async () => {}] })).close()

  await assert.rejects(openLevel(path), refusal(EXIT.newerFormat, /has format 2, this version reads up to 1/))
})

test('refuses a store of another program', async t => {
  const path = scratch(t)
  const foreign = new ClassicLevel(path)
  await foreign.put('a', 'b')
  await foreign.close()

  await assert.rejects(
    openLevel(path),
    refusal(EXIT.badInput, /has no format: it is damaged, or another program wrote it/)
  )
})

test('says that a store is damaged when a file of it was cut short', async t => {
  const path = scratch(t)
  for (const _ of [1, 2]) await (await openLevel(path)).close()
  const [table] = readdirSync(path).filter(name => name.endsWith('.ldb'))
  truncateSync(join(path, table!), 20)

  await assert.rejects(openLevel(path), /cannot be read: .*; if the disk is sound the store is damaged/)
})

for (const [words, remedy] of [
  ['No space left on device', 'the disk is full; make room there'],
  ['Disk quota exceeded', 'the disk is full; make room there'],
  ['Too many open files', 'too many open files; raise the limit of open files with: ulimit -n']
] as const) {
  const refused = (): Error =>
    Object.assign(new Error(`IO error: /d/store/000012.log: ${words}`), { code: 'LEVEL_IO_ERROR' })

  test(`what a store lacks is no damage, and nothing to restore a backup for: ${words}`, () => {
    const cause = refused()

    const error = storeError('/d/store', cause)

    assert.ok(error instanceof SetupError)
    assert.equal(error.message, `store /d/store: ${remedy}`)
    assert.deepEqual([error.exitCode, error.cause], [EXIT.io, cause])
  })

  test(`a store that cannot be opened for what it lacks says so: ${words}`, async t => {
    const open = t.mock.method(ClassicLevel.prototype, 'open')
    open.mock.mockImplementation(() => Promise.reject(new Error('not open', { cause: refused() })))

    const error = await openLevel(scratch(t)).catch((thrown: unknown) => thrown)

    assert.ok(error instanceof SetupError)
    assert.match(error.message, new RegExp(`^store [^ ]+: ${remedy}$`))
    assert.equal(error.exitCode, EXIT.io)
  })
}

test('another refusal of the file system may be damage, and what was judged before is not judged anew', () => {
  const failing = Object.assign(new Error('IO error: Input/output error'), { code: 'LEVEL_IO_ERROR' })
  const judged = new SetupError('io', 'log: no space', {
    cause: Object.assign(new Error('write'), { code: 'ENOSPC' })
  })

  assert.match(String(storeError('/d/store', failing)), /if the disk is sound the store is damaged/)
  assert.equal(storeError('/d/store', judged), judged)
})

test('refuses a store that is open already', async t => {
  const path = scratch(t)
  await using _ = await openLevel(path)

  await assert.rejects(openLevel(path), refusal(EXIT.inUse, /is in use/))
})

function scratch(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'level-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return join(folder, 'store')
}
