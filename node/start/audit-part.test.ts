import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import type { TestContext } from 'node:test'
import { AuditNames, auditEvent } from '../audit/index.ts'
import type { AuditEvent } from '../audit/index.ts'
import { HUB } from '../capabilities/revocation.fixture.ts'
import { endings } from '../endings.fixture.ts'
import { AuditPart } from './audit-part.ts'
import { entriesIn } from './entries.fixture.ts'

const NAMES = new AuditNames([], ['store'])
const START = auditEvent('start', 'node', { version: '0.1.0', boot: 1, config_sha256: '0'.repeat(64) })
const STOP = auditEvent('stop', 'node', { cause: 'operator', uptime_ms: 1 })
const crash = (restarts: number): AuditEvent =>
  NAMES.crash({ part: 'store', reason: 'crash_store', restarts, at_ms: 1 })

async function scratch(t: TestContext): Promise<string> {
  const data = await mkdtemp(join(tmpdir(), 'omnigate-audit-part-'))
  endings(t).defer(() => rm(data, { recursive: true, force: true }))
  return data
}

const partIn = (data: string, first: readonly AuditEvent[] = [START]): AuditPart =>
  new AuditPart({
    folder: join(data, 'audit'),
    hubId: HUB,
    nodeName: 'node1',
    hubKey: async () => undefined,
    names: NAMES,
    retention: { maxAgeMs: 1e12, maxEntries: 1e9, maxBytes: 1e12 },
    first,
    last: () => STOP
  })

/** Opens the log, does `during` while it is being opened, and stops when it is open. */
async function live(part: AuditPart, during: () => Promise<unknown> = async () => {}): Promise<void> {
  const stop = new AbortController()
  const running = part.run(() => stop.abort(), stop.signal)
  await during()
  await running
}

const typesIn = async (data: string): Promise<string[]> => (await entriesIn(data)).map(({ type }) => type)

test('what happens while the log is being opened is in it before it is open', async t => {
  const data = await scratch(t)
  const part = partIn(data)
  let sent = 0

  await live(part, async () => {
    // Turn by turn, so that some come while the log is being opened, whatever it does first.
    while (sent < 30) {
      await part.appendLate(crash(++sent))
      await new Promise(resolve => setImmediate(resolve))
    }
  })

  const entries = await entriesIn(data)
  const crashes = entries.filter(({ type }) => type === 'crash')
  assert.deepEqual(
    crashes.map(({ data: { restarts } }) => restarts),
    Array.from({ length: sent }, (_, n) => n + 1)
  )
  assert.deepEqual([entries[0]!.type, entries.at(-1)!.type], ['start', 'stop'])
})

test('what is durable already is not written again after the next entry has failed', async t => {
  const data = await scratch(t)
  const second = crash(1)
  let failures = 1
  const failing = Object.create(second, {
    content: {
      get: () => {
        if (failures-- > 0) throw new Error('no')
        return second.content
      }
    }
  }) as AuditEvent
  const part = partIn(data, [START, failing])

  await assert.rejects(live(part), /no/)
  await live(part, () => part.appendLate(crash(2)))

  assert.deepEqual(await typesIn(data), ['start', 'crash', 'crash', 'stop'])
})

test('a log that is not open takes no more than it can keep', async t => {
  const part = partIn(await scratch(t), [])
  for (let n = 1; n <= 64; n++) await part.appendLate(crash(n))

  await assert.rejects(part.appendLate(crash(65)), { code: 'not_ready' })
})
