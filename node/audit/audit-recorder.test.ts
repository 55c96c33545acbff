import assert from 'node:assert/strict'
import { type TestContext, describe, test } from 'node:test'
import { echoService } from '../../protocols/index.ts'
import type { AuditEvent } from './audit-event.ts'
import type { AuditLog } from './audit-log.ts'
import { AuditNames } from './audit-names.ts'
import { AuditRecorder } from './audit-recorder.ts'
import { type Entry, parseEntry } from './entry.ts'
import { fill, scratchLog } from './log.fixture.ts'
import { CHECKPOINT_EVERY_MS, RETENTION_EVERY_MS, SUMMARY_EVERY_MS, UpkeepTurns } from './upkeep.ts'

const NAMES = new AuditNames([echoService], ['http'])
const ECHO = { service: 'echo', operation: 'echo' }
const CAP = `cap:${'0a'.repeat(16)}`

async function entriesIn(log: AuditLog): Promise<Entry[]> {
  const entries: Entry[] = []
  for await (const lines of log.lines(0)) entries.push(...lines.map(line => parseEntry(line)))
  return entries
}

async function recording(t: TestContext) {
  const { open } = await scratchLog(t)
  const log = await open()
  t.after(() => log.close())
  const clock = { nowMs: 5_000_000 }
  const recorder = new AuditRecorder(log, NAMES, {}, () => clock.nowMs)
  return { log, clock, recorder }
}

describe('counts', () => {
  test('become one entry for each service, operation and reason, with the exact number and the time', async t => {
    const { log, clock, recorder } = await recording(t)
    for (let n = 0; n < 1234; n++) recorder.count({ ...ECHO, reason: 'quota_peer' })
    recorder.count({ ...ECHO, reason: 'cap_missing' }, 7)
    recorder.count({ service: 'echo', operation: 'ticks', reason: 'ok' })
    clock.nowMs += 10_000

    await recorder.flush()

    const tallies = (await entriesIn(log)).map(({ type, subject, data }) => [
      type,
      subject,
      data['reason'],
      data['count']
    ])
    assert.deepEqual(tallies, [
      ['summary', 'echo/echo', 'quota_peer', 1234],
      ['summary', 'echo/echo', 'cap_missing', 7],
      ['summary', 'echo/ticks', 'ok', 1]
    ])
    const [{ data } = assert.fail()] = await entriesIn(log)
    assert.deepEqual([data['from_ms'], data['until_ms']], [5_000_000, 5_010_000])
  })

  test('begin anew after each flush, and an idle while adds nothing', async t => {
    const { log, recorder } = await recording(t)
    recorder.count({ ...ECHO, reason: 'saturated' })
    await recorder.flush()
    await recorder.flush()
    recorder.count({ ...ECHO, reason: 'saturated' }, 2)
    await recorder.flush()

    assert.deepEqual(
      (await entriesIn(log)).map(({ data }) => data['count']),
      [1, 2]
    )
  })

  test('of names that no table has go together as unknown, so that their number is bounded', async t => {
    const { log, recorder } = await recording(t)
    for (let n = 0; n < 10_000; n++)
      recorder.count({ service: `s${n}`, operation: 'echo', reason: 'unknown_app' })
    await recorder.flush()

    const entries = await entriesIn(log)
    assert.deepEqual(
      entries.map(({ subject, data }) => [subject, data['count']]),
      [['unknown/unknown', 10_000]]
    )
    assert.throws(() => recorder.count({ ...ECHO, reason: 'because' }), TypeError)
  })

  test('are kept for the next time when they could not be written', async () => {
    const taken: AuditEvent[] = []
    let isFull = true
    const log = {
      append: async (event: AuditEvent) => {
        if (isFull) throw new Error('full')
        return taken.push(event)
      }
    }
    let nowMs = 100
    const recorder = new AuditRecorder(log, NAMES, {}, () => nowMs)
    recorder.count({ ...ECHO, reason: 'deadline' }, 3)
    nowMs = 200
    await assert.rejects(recorder.flush(), /full/)
    recorder.count({ ...ECHO, reason: 'deadline' }, 4)
    isFull = false
    nowMs = 300

    await recorder.flush()

    assert.deepEqual(taken[0]!.content.data, {
      ...ECHO,
      reason: 'deadline',
      count: 7,
      from_ms: 100,
      until_ms: 300
    })
  })
})

describe('refusals of known callers', () => {
  test('are entries of their own, ten a second and principal; the rest is counted', async t => {
    const { log, clock, recorder } = await recording(t)
    const refuse = () =>
      recorder.refused(CAP, { ...ECHO, reason: 'cap_denied' }, { corrId: '00000000000000ff' })

    for (let n = 0; n < 25; n++) await refuse()
    clock.nowMs += 1000
    await refuse()
    await recorder.flush()

    const entries = await entriesIn(log)
    const own = entries.filter(({ type }) => type === 'refusal')
    assert.equal(own.length, 11)
    assert.deepEqual(
      [own[0]!.actor, own[0]!.decision, own[0]!.corr_id, own[0]!.data['reason']],
      [CAP, 'deny', '00000000000000ff', 'cap_denied']
    )
    assert.equal(entries.at(-1)!.data['count'], 15)
  })

  test('are bounded over all principals, since keys cost nothing', async t => {
    const { log, recorder } = await recording(t)
    const caps = Array.from({ length: 500 }, (_, n) => `cap:${n.toString(16).padStart(32, '0')}`)

    await Promise.all(caps.map(cap => recorder.refused(cap, { ...ECHO, reason: 'cap_denied' })))
    await recorder.flush()

    const entries = await entriesIn(log)
    assert.equal(entries.filter(({ type }) => type === 'refusal').length, 100)
    assert.equal(entries.at(-1)!.data['count'], 400)
  })

  test('ten minutes of a flood add one summary a reason and ten seconds', async t => {
    const { log, clock, recorder } = await recording(t)
    const turns = new UpkeepTurns({ log, recorder, failed: error => assert.fail(String(error)) }, 0)
    for (let nowMs = 0; nowMs <= 600_000; nowMs += CHECKPOINT_EVERY_MS) {
      recorder.count({ ...ECHO, reason: 'quota_peer' }, 1000)
      recorder.count({ ...ECHO, reason: 'saturated' }, 10)
      clock.nowMs += CHECKPOINT_EVERY_MS
      await turns.turn(nowMs)
    }

    const entries = await entriesIn(log)
    assert.equal(entries.length, (2 * 600_000) / SUMMARY_EVERY_MS)
    const flood = entries.filter(({ data }) => data['reason'] === 'quota_peer')
    assert.equal(
      flood.reduce((sum, { data }) => sum + Number(data['count']), 0),
      601_000
    )
  })
})

describe('upkeep', () => {
  test('signs, seals and prunes in turns', async t => {
    const { open } = await scratchLog(t, { segment: { entries: 4 } })
    await using log = await open()
    const recorder = new AuditRecorder(log, NAMES)
    const failures: unknown[] = []
    const turns = new UpkeepTurns(
      { log, recorder, retention: { maxEntries: 6 }, failed: error => failures.push(error) },
      0
    )
    for (let n = 0; n < 4; n++) await fill(log, 4)

    await turns.turn(1)
    assert.equal(log.first, 0)
    await turns.turn(RETENTION_EVERY_MS)

    assert.ok(log.first > 0)
    assert.deepEqual(failures, [])
  })

  test('hears of a failure and tries again', async t => {
    const { open } = await scratchLog(t)
    await using log = await open()
    const failures: unknown[] = []
    let calls = 0
    const recorder = {
      flush: async () => {
        if (calls++ === 0) throw new Error('once')
      }
    } as unknown as AuditRecorder
    const turns = new UpkeepTurns({ log, recorder, failed: error => failures.push(error) }, 0)

    await turns.turn(SUMMARY_EVERY_MS)
    await turns.turn(2 * SUMMARY_EVERY_MS)

    assert.deepEqual([failures.length, calls], [1, 2])
  })
})
