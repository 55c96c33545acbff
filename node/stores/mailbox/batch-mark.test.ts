import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import type { TestContext } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { openBatchMark } from './batch-mark.ts'

function file(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'omnigate-mark-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return join(folder, 'mark')
}

const lastOf = async (path: string): Promise<number> => {
  const mark = openBatchMark(path)
  await mark.close()
  return mark.last
}

const turns = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i++) await turn()
}

test('whenever it is closed, it holds the last number, and nothing touches the file after that', async t => {
  for (let pause = 0; pause < 40; pause++) {
    const path = file(t)
    const mark = openBatchMark(path)
    for (let batch = 1; batch <= 20; batch++) {
      void mark.note(batch)
      await turns(pause % 7)
    }
    await turns(pause)

    await mark.close()

    assert.equal(await lastOf(path), 20)
    writeFileSync(path, 'else')
    await turns(20)
    assert.equal(readFileSync(path, 'latin1'), 'else')
  }
})

test('what is noted after it was closed is not written, and closing twice is closing once', async t => {
  const path = file(t)
  const mark = openBatchMark(path)
  void mark.note(7)
  await Promise.all([mark.close(), mark.close()])
  void mark.note(8)
  await turns(20)
  await mark.close()

  assert.equal(await lastOf(path), 7)
})

test('it catches up by itself', async t => {
  const path = file(t)
  const mark = openBatchMark(path)
  for (let batch = 1; batch <= 1000; batch++) void mark.note(batch)
  const until = performance.now() + 60_000
  while ((await lastOf(path)) !== 1000 && performance.now() < until) await turn()

  const other = openBatchMark(path)
  assert.equal(other.last, 1000)
  await other.close()
  await mark.close()
})

test('once it has noted a batch, the file names that or a later one', async t => {
  const path = file(t)
  const mark = openBatchMark(path)
  t.after(() => mark.close())
  for (let batch = 1; batch <= 20; batch++) {
    const noted = mark.note(batch)
    if (batch % 3 === 0) void mark.note(++batch)
    await noted

    assert.ok((await lastOf(path)) >= batch - 1)
  }
  assert.equal(await lastOf(path), 20)
})
