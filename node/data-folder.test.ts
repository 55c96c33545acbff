import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { DATA_FOLDER_CONTENTS, checkDataFolder, openDataFolder } from './data-folder.ts'
import { refusal } from './refusal.fixture.ts'
import { EXIT } from './setup-error.ts'

test('makes a folder for its owner alone, with its format', async t => {
  const path = join(scratch(t), 'deep', 'data')

  await using folder = await openDataFolder(path, { create: true })

  assert.equal(statSync(folder.folder).mode & 0o777, 0o700)
  assert.equal(readFileSync(folder.format, 'utf8'), '1\n')
  assert.ok(readdirSync(path).every(name => name in DATA_FOLDER_CONTENTS))
})

test('opens again after it was closed, twice or not', async t => {
  const path = join(scratch(t), 'data')
  const first = await openDataFolder(path, { create: true })
  await first.close()
  await first.close()

  await using second = await openDataFolder(path)

  assert.equal(second.folder, first.folder)
})

test('belongs to one opener at a time, also within one process', async t => {
  const path = join(scratch(t), 'data')
  await using _ = await openDataFolder(path, { create: true })

  await assert.rejects(
    openDataFolder(path),
    refusal(EXIT.inUse, new RegExp(`is in use by process ${process.pid}:`))
  )
})

test('names the other process that holds it, and is free again once that one was killed', async t => {
  const path = join(scratch(t), 'data')
  const script = `
    import { openDataFolder } from ${JSON.stringify(import.meta.resolve('./data-folder.ts'))}
    await openDataFolder(${JSON.stringify(path)}, { create: true })
    console.log('open')
    setInterval(() => {}, 1000)`
  const other = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  t.after(() => other.kill('SIGKILL'))
  await once(other.stdout, 'data')

  await assert.rejects(
    openDataFolder(path),
    refusal(EXIT.inUse, new RegExp(`in use by process ${other.pid}:`))
  )
  assert.equal(await checkDataFolder(path), 1)
  other.kill('SIGKILL')
  await once(other, 'exit')

  await using folder = await openDataFolder(path)
  assert.ok(existsSync(folder.format))
})

test('gives a new folder to exactly one of many that want it at once', async t => {
  const path = join(scratch(t), 'data')

  const results = await Promise.allSettled(
    Array.from({ length: 8 }, () => openDataFolder(path, { create: true }))
  )

  const opened = results.flatMap(result => (result.status === 'fulfilled' ? [result.value] : []))
  assert.equal(opened.length, 1)
  for (const result of results) {
    if (result.status === 'rejected') refusal(EXIT.inUse, /in use by process/)(result.reason)
  }
  await opened[0]?.close()
})

test('refuses a folder that is absent, holds other things, or that others may enter', async t => {
  const path = scratch(t)

  await assert.rejects(
    openDataFolder(join(path, 'none')),
    refusal(EXIT.noInput, /no such data folder.*omnigate init/)
  )
  await assert.rejects(openDataFolder(path), refusal(EXIT.noInput, /no data folder yet/))
  chmodSync(path, 0o750)
  await assert.rejects(openDataFolder(path, { create: true }), refusal(EXIT.permission, /chmod 700 \//))
  chmodSync(path, 0o700)
  writeFileSync(join(path, 'thesis.tex'), '')
  await assert.rejects(openDataFolder(path, { create: true }), refusal(EXIT.badInput, /not a data folder/))

  assert.deepEqual(readdirSync(path), ['thesis.tex'])
})

test('says of an ordinary folder that it is no data folder and how to make one, not how to close it', async t => {
  const path = scratch(t)
  chmodSync(path, 0o755)
  const empty = refusal(EXIT.noInput, /: no data folder yet; make it one with: .*omnigate init --data \//)
  const foreign = refusal(
    EXIT.badInput,
    /: not a data folder, and not empty; make one elsewhere with: .*omnigate init --data DIR$/
  )

  await assert.rejects(checkDataFolder(path), empty)
  writeFileSync(join(path, 'thesis.tex'), '')
  await assert.rejects(checkDataFolder(path), foreign)
  await assert.rejects(openDataFolder(path, { create: true }), foreign)
})

test('holds no lock when it could not write down who has it', async t => {
  const path = scratch(t)
  mkdirSync(join(path, 'lock', 'pid'), { recursive: true, mode: 0o700 })

  await assert.rejects(
    openDataFolder(path, { create: true }),
    refusal(EXIT.badInput, /lock\/pid: is a folder, not a file; move it away/)
  )

  rmSync(join(path, 'lock', 'pid'), { recursive: true })
  await using folder = await openDataFolder(path, { create: true })
  assert.equal(folder.folder, path)
})

test('undoes what it made, and the folders around it', async t => {
  const path = scratch(t)
  const folder = await openDataFolder(join(path, 'deep', 'data'), { create: true })
  mkdirSync(folder.keys)
  writeFileSync(join(folder.keys, 'hub.key'), '')

  await folder.undo()
  await folder.close()

  assert.deepEqual(readdirSync(path), [])
})

test('leaves what was there before it, or is not its own, when it undoes', async t => {
  const path = scratch(t)
  await (await openDataFolder(path, { create: true })).close()
  writeFileSync(join(path, 'omnigate.toml'), '')
  const folder = await openDataFolder(path, { create: true })
  mkdirSync(folder.keys)
  writeFileSync(join(path, 'notes'), '')

  await folder.undo()
  await folder.close()

  assert.deepEqual(readdirSync(path).sort(), ['FORMAT', 'lock', 'notes', 'omnigate.toml'])
})

test('leaves an empty folder empty when it undoes', async t => {
  const path = scratch(t)
  const folder = await openDataFolder(path, { create: true })

  await folder.undo()
  await folder.close()

  assert.deepEqual(readdirSync(path), [])
})

test('refuses a newer format and a damaged one, without touching anything', async t => {
  const path = scratch(t)
  for (const [text, code] of [
    ['2\n', EXIT.newerFormat],
    ['', EXIT.badInput],
    ['one', EXIT.badInput],
    ['1'.repeat(99), EXIT.badInput]
  ] as const) {
    writeFileSync(join(path, 'FORMAT'), text)
    await assert.rejects(openDataFolder(path), refusal(code, /format 2, this version reads up to 1|FORMAT: /))
    assert.deepEqual(readdirSync(path), ['FORMAT'])
  }
})

test('removes what a killed process left unfinished', async t => {
  const path = scratch(t)
  mkdirSync(join(path, '.new-keys-abc'))
  writeFileSync(join(path, '.new-keys-abc', 'hub.key'), 'half')

  await using folder = await openDataFolder(path, { create: true })

  assert.deepEqual(readdirSync(folder.folder).sort(), ['FORMAT', 'lock'])
})

function scratch(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'data-folder-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}
