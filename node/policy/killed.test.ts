import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { lastBeforeKilled } from '../killed.fixture.ts'
import { openLevel } from '../stores/level.ts'
import type { Level } from '../stores/level.ts'
import { evidence, judge } from './policy.fixture.ts'
import type { ReleasedItem } from './types.ts'

const KILLS = 3
const DURABLE: object = { sync: true }
const FIXTURE = JSON.stringify(new URL('policy.fixture.ts', import.meta.url).href)
const LEVEL = JSON.stringify(new URL('../stores/level.ts', import.meta.url).href)

const folder = (t: TestContext): string => {
  const top = mkdtempSync(join(tmpdir(), 'omnigate-quarantine-'))
  t.after(() => rmSync(top, { recursive: true, force: true }))
  return join(top, 'store')
}

/** Takes items from `first` on, has each released where it says so, and prints the number of each that is done. */
const script = (path: string, first: number, isReleased: boolean): string => `
  import { evidence, item, judge } from ${FIXTURE}
  import { openLevel } from ${LEVEL}
  const level = await openLevel(${JSON.stringify(path)})
  const { judging, quarantine } = await judge(level)
  const delivered = level.sublevel('delivered', { valueEncoding: 'utf8' })
  judging.onRelease('mailbox.shared', async ({ evidence: { id }, body }) =>
    await delivered.put(id, String(body), { sync: true }))
  for (let n = ${first}; ; n++) {
    await judging.take(evidence(n), item('number ' + n))
    if (${isReleased}) await quarantine.release(evidence(n).id, { actor: 'local' })
    process.stdout.write(n + '\\n')
  }`

test('what was answered as kept is there after kill -9', async t => {
  const path = folder(t)
  let done = 0
  for (let kill = 0; kill < KILLS; kill++) done = await lastBeforeKilled(script(path, done + 1, false), 5)

  await using level = await openLevel(path)
  const { quarantine } = await judge(level)
  assert.ok(done >= KILLS * 5)
  for (let n = 1; n <= done; n++) assert.equal(quarantine.find(evidence(n).id).evidence.number, n)
  // One more may have been kept, and not answered.
  assert.ok(quarantine.items - done <= KILLS)
})

test('what was released is delivered, and gone, after kill -9 at any point', async t => {
  const path = folder(t)
  let done = 0
  for (let kill = 0; kill < KILLS; kill++)
    done = await lastBeforeKilled(script(path, done + 1, true), 3 + kill)

  await using level = await openLevel(path)
  const { judging, quarantine } = await judge(level)
  const delivered = deliveredIn(level)
  judging.onRelease('mailbox.shared', ({ evidence: { id }, body }: ReleasedItem) =>
    delivered.put(id, Buffer.from(body).toString(), DURABLE)
  )
  await quarantine.expire()

  for (let n = 1; n <= done; n++) {
    assert.equal(await delivered.get(evidence(n).id), `number ${n}`)
    assert.equal(quarantine.kept(evidence(n).id), undefined)
  }
  // What is left was taken and not released yet.
  assert.ok(quarantine.list().every(({ releasing }) => !releasing))
})

const deliveredIn = (level: Level) => level.sublevel<string, string>('delivered', { valueEncoding: 'utf8' })
