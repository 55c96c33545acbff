import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { linkStep, newLink } from './link-state.ts'
import type { LinkEvent, LinkMoment, LinkState } from './link-state.ts'
import { LINKS } from './numbers.ts'
import { isProbeDue } from './probing.ts'

const at = (nowMs: number, change: Partial<LinkMoment> = {}): LinkMoment => ({
  nowMs,
  random: 1,
  isDialable: true,
  ...change
})
const TICK: LinkEvent = { event: 'tick' }
const FAILED: LinkEvent = { event: 'failed', wasRefused: false }

/** What comes of events, each at its time. */
function after(state: LinkState, ...events: readonly (readonly [ms: number, event: LinkEvent])[]) {
  let step = { state } as ReturnType<typeof linkStep>
  for (const [ms, event] of events) step = linkStep(step.state, event, at(ms))
  return step
}

const LINKED = linkStep(newLink(0), { event: 'linked' }, at(0)).state

test('a hub that was allowed is dialled at once, one without an address never', () => {
  assert.equal(linkStep(newLink(0), TICK, at(0)).effect, 'dial')
  assert.deepEqual(linkStep(newLink(0), TICK, at(99_999, { isDialable: false })), { state: newLink(0) })
})

test('a dial that failed is made again when its time has come, and later each time', () => {
  const first = after(newLink(0), [0, TICK], [100, FAILED]).state
  assert.deepEqual(first, { is: 'waiting', dueMs: 1100, failures: 1 })
  assert.equal(after(first, [1099, TICK]).effect, undefined)

  const second = after(first, [1100, TICK], [1200, FAILED]).state
  assert.deepEqual(second, { is: 'waiting', dueMs: 3200, failures: 2 })
})

test('a hub that refused is left in peace for longer', () => {
  const { state } = after(newLink(0), [0, TICK], [0, { event: 'failed', wasRefused: true }])

  assert.deepEqual(state, { is: 'waiting', dueMs: LINKS.refusedRetryMs, failures: 1 })
})

test('a link that the other side opened ends the waiting, and the dial under way fails without harm', () => {
  const { state } = after(newLink(0), [0, TICK], [50, { event: 'linked' }], [60, FAILED])

  assert.equal(state.is, 'linked')
})

test('a silent link is probed once at a time, and ends with the second probe that is missed', () => {
  const probed = after(LINKED, [15_000, TICK])
  assert.equal(probed.effect, 'probe')
  assert.equal(after(probed.state, [16_000, TICK]).effect, undefined)

  const again = after(probed.state, [20_000, { event: 'missed' }], [20_000, TICK])
  assert.equal(again.effect, 'probe')
  const over = after(again.state, [25_000, { event: 'missed' }])
  assert.deepEqual([over.state.is, over.effect], ['waiting', 'close'])
})

test('whatever is heard of a link makes up for probes that were missed', () => {
  const { state } = after(
    LINKED,
    [15_000, TICK],
    [20_000, { event: 'missed' }],
    [20_001, { event: 'heard' }],
    [35_001, TICK],
    [40_001, { event: 'missed' }]
  )

  assert.equal(state.is, 'linked')
})

test('a link that lasted begins the waiting anew, one that did not is one more failure', () => {
  const tired = { ...LINKED, failures: 5 } as LinkState

  assert.deepEqual(after(tired, [LINKS.steadyMs, { event: 'closed' }]).state, {
    is: 'waiting',
    dueMs: LINKS.steadyMs + 1000,
    failures: 1
  })
  assert.deepEqual(after(tired, [LINKS.steadyMs - 1, { event: 'closed' }]).state, {
    is: 'waiting',
    dueMs: LINKS.steadyMs - 1 + 32_000,
    failures: 6
  })
})

test('says when a probe is due', () => {
  assert.deepEqual([isProbeDue({ heardMs: 0 }, 14_999), isProbeDue({ heardMs: 0 }, 15_000)], [false, true])
})

test('whatever happens: a dial only while nothing else is, and a probe only of a link', () => {
  const events: fc.Arbitrary<LinkEvent> = fc.oneof(
    fc.constantFrom<LinkEvent>(
      TICK,
      TICK,
      { event: 'linked' },
      { event: 'heard' },
      { event: 'missed' },
      { event: 'closed' }
    ),
    fc.boolean().map(wasRefused => ({ event: 'failed' as const, wasRefused }))
  )
  fc.assert(
    fc.property(fc.array(fc.tuple(events, fc.nat(40_000)), { maxLength: 40 }), script => {
      let state = newLink(0)
      let nowMs = 0
      for (const [event, ms] of script) {
        nowMs += ms
        const step = linkStep(state, event, at(nowMs))
        if (step.effect === 'dial') assert.deepEqual([state.is, step.state.is], ['waiting', 'dialling'])
        if (step.effect === 'probe') assert.deepEqual([state.is, step.state.is], ['linked', 'linked'])
        if (step.state.is === 'waiting' && state.is !== 'waiting') assert.ok(step.state.dueMs > nowMs)
        state = step.state
      }
    })
  )
})
