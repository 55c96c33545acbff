import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hubId } from '../../federation/index.ts'
import type { Outcome, RefusalCode, Refused } from '../../federation/index.ts'
import type { AuditEvent } from '../audit/index.ts'
import { outcomeRecorder } from './outcomes.ts'

const HUB = hubId(new Uint8Array(32).fill(1))
const OTHER_HUB = hubId(new Uint8Array(32).fill(2))
const PEER = '12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5'
const STRANGERS_AT_ONCE = 60
const PROVEN_AT_ONCE = 10
const LINKS_AT_ONCE = 600

function recorder() {
  let now = 0
  const entries: AuditEvent[] = []
  const counted = new Map<string, number>()
  const told: string[] = []
  const learned: string[] = []
  const held: (() => void)[] = []
  let isHeld = false
  const written = () => (isHeld ? new Promise<void>(resolve => held.push(resolve)) : Promise.resolve())
  const ended = outcomeRecorder({
    append: event => {
      entries.push(event)
      return written()
    },
    learn: ({ statement }) => {
      learned.push(statement.hub)
      return written()
    },
    metrics: {
      counters: () => (value: string) => void counted.set(value, (counted.get(value) ?? 0) + 1)
    } as never,
    log: { debug: () => told.push('debug'), warn: () => told.push('warn') } as never,
    now: () => now
  })
  const times = async (n: number, outcome: Outcome): Promise<number> => {
    const before = entries.length
    for (let i = 0; i < n; i++) await ended(outcome)
    return entries.length - before
  }
  /** Nothing gets durable until one of what this yields is called for each write. */
  const hold = () => {
    isHeld = true
    return held
  }
  return { ended, times, entries, counted, told, learned, hold, pass: (ms: number) => (now += ms) }
}

const linked = (hub: string, role: 'responder' | 'initiator' = 'responder') =>
  ({
    kind: 'linked',
    role,
    hub,
    peer: PEER,
    transcript: 'ab'.repeat(32),
    skewS: 0,
    delegation: { statement: { hub } }
  }) as unknown as Outcome

const refusedWith = (code: RefusalCode, more: Partial<Refused> = {}): Refused => ({
  kind: 'refused',
  code,
  role: 'responder',
  peer: PEER,
  detail: '',
  holdMs: 0,
  ...more
})

test('strangers that are refused fill no log: some are recorded, all are counted', async () => {
  const { times, counted, pass } = recorder()

  assert.equal(await times(1000, refusedWith('not_allowlisted', { hub: HUB })), STRANGERS_AT_ONCE)
  assert.equal(await times(1000, refusedWith('malformed')), 0)

  assert.deepEqual([counted.get('not_allowlisted'), counted.get('malformed')], [1000, 1000])
  pass(3_600_000)
  assert.equal(await times(1000, refusedWith('wrong_key')), STRANGERS_AT_ONCE)
  pass(60_000)
  assert.equal(await times(1000, refusedWith('wrong_key')), 6)
})

test('and they keep out no entry about a hub that proved itself, or that this node dialled', async () => {
  const { times } = recorder()
  await times(1000, refusedWith('stalled'))

  assert.equal(await times(1, refusedWith('expired_delegation', { hub: HUB })), 1)
  assert.equal(await times(1, refusedWith('expired_treaty', { hub: HUB })), 1)
  assert.equal(await times(1, refusedWith('not_allowlisted', { hub: HUB, role: 'initiator' })), 1)
  const turnedAway: Outcome = { kind: 'turned_away', peer: PEER, hub: HUB, code: 'not_allowlisted' }
  assert.equal(await times(100, turnedAway), PROVEN_AT_ONCE - 3)
})

test('a hub that links again and again is refused in the end, and nothing more is recorded of it', async () => {
  const { times, entries, counted, learned, pass } = recorder()
  assert.equal(await times(LINKS_AT_ONCE, linked(HUB)), LINKS_AT_ONCE)

  await assert.rejects(times(1, linked(HUB)), { code: 'quota_peer' })

  assert.deepEqual([entries.length, counted.get('linked')], [LINKS_AT_ONCE, LINKS_AT_ONCE])
  assert.equal(learned.length, LINKS_AT_ONCE)
  assert.equal(await times(1, linked(OTHER_HUB)), 1, 'others are not kept out')
  assert.equal(await times(1, linked(HUB, 'initiator')), 1, 'nor is what this node dials')
  pass(60_000)
  assert.equal(await times(6, linked(HUB)), 6)
  await assert.rejects(times(1, linked(HUB)), { code: 'quota_peer' })
})

test('what one hub is refused for keeps out no entry about another', async () => {
  const { times, pass } = recorder()

  assert.equal(await times(1000, refusedWith('expired_delegation', { hub: HUB })), PROVEN_AT_ONCE)

  const turnedAway: Outcome = { kind: 'turned_away', peer: PEER, hub: OTHER_HUB, code: 'not_allowlisted' }
  assert.equal(await times(1, turnedAway), 1)
  pass(60_000)
  assert.equal(await times(1000, refusedWith('expired_treaty', { hub: HUB })), 6)
})

test('a clock that is wrong is a warning where its hub is proved, and none for a stranger', async () => {
  const { times, told } = recorder()

  await times(1, refusedWith('not_allowlisted', { skewS: 3600 }))
  assert.deepEqual(told, ['debug'])

  await times(1, refusedWith('expired_delegation', { skewS: 3600 }))
  assert.deepEqual(told, ['debug', 'warn', 'debug'])
})

test('the entry of a link and what its hub showed are written at once, and both awaited', async () => {
  const { ended, entries, learned, hold } = recorder()
  const held = hold()
  let isDone = false
  const done = ended(linked(HUB)).then(() => (isDone = true))

  assert.deepEqual([entries.length, learned, held.length], [1, [HUB], 2])
  held[0]!()
  await new Promise(resolve => setImmediate(resolve))
  assert.equal(isDone, false)
  held[1]!()
  await done
})

test('nothing is learned of a hub but by a link', async () => {
  const { times, learned } = recorder()
  await times(1, refusedWith('expired_treaty', { hub: HUB }))
  await times(1, { kind: 'turned_away', peer: PEER, hub: HUB, code: 'not_allowlisted' })

  assert.deepEqual(learned, [])
})
