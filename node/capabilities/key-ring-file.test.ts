import assert from 'node:assert/strict'
import {
  chmodSync,
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
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import fc from 'fast-check'
import { lastBeforeKilled } from '../killed.fixture.ts'
import { createFile } from '../durable-file.ts'
import { EXIT, SetupError } from '../setup-error.ts'
import { formatRing, openKeyRing, parseRing } from './key-ring-file.ts'
import { newRing } from './key-ring.ts'

const NOW = Date.UTC(2026, 0, 1)

test('keeps the same keys from one opening to the next, for its owner alone', async t => {
  const path = await ringFile(t)
  const first = await openKeyRing(path, NOW)
  await first.rotate(NOW)

  const second = await openKeyRing(path, NOW)

  assert.equal(second.current, 2)
  for (const kid of [1, 2]) assert.deepEqual(second.keyOf(kid, NOW), first.keyOf(kid, NOW))
  assert.equal(statSync(path).mode & 0o777, 0o600)
})

test('a key whose grace is over is gone from the file once it is opened', async t => {
  const path = await ringFile(t)
  await (await openKeyRing(path, NOW)).rotate(NOW, { graceMs: 1000 })

  const keys = await openKeyRing(path, NOW + 1000)

  assert.equal(keys.keyOf(1, NOW), undefined)
  assert.deepEqual(parseRing(readFileSync(path, 'utf8')).grace, [])
})

test('reads back what it writes', () => {
  const key = fc.uint8Array({ minLength: 32, maxLength: 32 })
  const untils = fc.array(fc.tuple(key, fc.nat()), { maxLength: 5 })
  fc.assert(
    fc.property(key, untils, fc.integer({ min: 1, max: 1000 }), (current, ends, from) => {
      const grace = ends.map(([bytes, until], i) => ({ kid: from + i, key: bytes, until }))
      const ring = { current: { kid: from + grace.length, key: current }, grace }

      assert.deepEqual(parseRing(formatRing(ring)), ring)
    })
  )
})

test('refuses the file with any one character changed, left out or doubled', async t => {
  const path = await ringFile(t)
  const text = readFileSync(path, 'utf8')

  for (let i = 0; i < text.length; i++) {
    const [before, after] = [text.slice(0, i), text.slice(i + 1)]
    for (const changed of [before + after, `${before}${text[i]}${text[i]}${after}`, `${before}x${after}`])
      if (changed !== text) assert.throws(() => parseRing(changed), /format 11|check|key|ring|JSON|kids/)
  }
})

test('names a damaged file and the way out, and never what is in it', async t => {
  const path = await ringFile(t)
  const text = readFileSync(path, 'utf8')
  const [, key = ''] = /"key":"([^"]+)"/.exec(text) ?? []

  for (const damaged of [
    '',
    '{',
    'null',
    '7',
    text.slice(0, -9),
    text.replace(key, `A${key.slice(1)}`),
    text + text
  ]) {
    if (damaged === text) continue
    writeFileSync(path, damaged)
    const error = await openKeyRing(path, NOW).catch((caught: unknown) => caught)
    assert.ok(error instanceof SetupError)
    assert.equal(error.exitCode, EXIT.badInput)
    assert.match(error.message, /root-keys.json: damaged \(.*\); restore it from a backup$/)
    assert.equal(error.message.includes(key.slice(1, 20)), false)
    assert.equal(error.cause, undefined)
  }
})

test('says when others may read the file, it is missing, or newer than this version', async t => {
  const path = await ringFile(t)

  chmodSync(path, 0o640)
  await assert.rejects(openKeyRing(path, NOW), exits(EXIT.permission, `chmod 600 ${path}`))
  chmodSync(path, 0o600)
  writeFileSync(path, '{"format":2}\n')
  await assert.rejects(openKeyRing(path, NOW), exits(EXIT.newerFormat, 'newer omnigate'))
  rmSync(path)
  await assert.rejects(openKeyRing(path, NOW), exits(EXIT.noInput, path))
})

test('leaves the ring before a change that cannot be written, and nothing beside it', async t => {
  const path = await ringFile(t)
  const keys = await openKeyRing(path, NOW)
  rmSync(path)
  mkdirSync(join(path, 'in-the-way'), { recursive: true })

  await assert.rejects(keys.rotate(NOW), SetupError)

  assert.equal(keys.current, 1)
  assert.deepEqual(readdirSync(join(path, '..')), ['root-keys.json'])
})

test('a process killed while it rotates leaves a whole ring with the newest kid that it told of', async t => {
  const path = await ringFile(t)
  for (let kills = 0; kills < 5; kills++) {
    const told = await rotateUntilKilled(path, 5 + kills * 3)

    const keys = await openKeyRing(path, NOW)

    assert.ok(keys.current >= told && keys.current <= told + 1, `${keys.current} after ${told}`)
    assert.notEqual(keys.keyOf(keys.current, NOW), undefined)
    assert.notEqual(keys.keyOf(keys.current - 1, NOW), undefined)
  }
})

/** Yields the last kid that the process said it had rotated to, and kills it right after. */
async function rotateUntilKilled(path: string, times: number): Promise<number> {
  const script = `
    import { openKeyRing } from ${JSON.stringify(import.meta.resolve('./key-ring-file.ts'))}
    const keys = await openKeyRing(${JSON.stringify(path)}, ${NOW})
    for (let now = ${NOW}; ; now++) console.log((await keys.rotate(now, { graceMs: 10 })).kid)`
  return await lastBeforeKilled(script, times)
}

async function ringFile(t: TestContext): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'key-ring-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'root-keys.json')
  await createFile(path, formatRing(newRing()))
  return path
}

function exits(code: number, message: string) {
  return (error: unknown) => {
    assert.ok(error instanceof SetupError, String(error))
    assert.equal(error.exitCode, code, error.message)
    assert.ok(error.message.includes(message), error.message)
    assert.equal(error.message.includes('\n'), false)
    return true
  }
}
