import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { test } from 'node:test'
import type { Connection } from '@libp2p/interface'
import { LINKS } from '../../federation/index.ts'
import type { Outcome } from '../../federation/index.ts'
import type { AllowedHub } from '../allowlist/index.ts'
import type { LiveLink } from './live-link.ts'
import { Relations } from './relations.ts'

const HUB = `h1${'b'.repeat(52)}`
const REFUSED = { kind: 'turned_away', code: 'not_allowlisted' } as Outcome

/** Relations whose dials and answers are what the test says. */
function relations(addresses: readonly string[] = ['/a', '/b']) {
  let ms = 0
  let live: LiveLink | undefined
  const state = {
    handshake: (_signal: AbortSignal): Promise<Outcome> => Promise.resolve(REFUSED),
    answers: true,
    probes: 0,
    heard: false
  }
  const dialled: string[] = []
  const ended: string[] = []
  const allowed: AllowedHub[] = [{ hub: HUB, addresses } as AllowedHub]
  const connection = { close: () => Promise.resolve() } as unknown as Connection
  const all = new Relations({
    links: {
      of: () => live,
      end: (_hub, reason) => {
        ended.push(reason)
        down(reason)
      },
      answers: () => {
        state.probes++
        return Promise.resolve(state.answers)
      },
      heard: () => state.heard
    },
    allowed: () => allowed,
    dial: (address, signal) => {
      dialled.push(address)
      return signal.aborted ? Promise.reject(signal.reason as Error) : Promise.resolve(connection)
    },
    handshake: (_connection, _hub, signal) => state.handshake(signal),
    now: () => ({ ms, s: Math.floor(ms / 1000) }),
    random: () => 1
  })
  const up = (): void => {
    live = { hub: HUB } as LiveLink
    all.changed({ hub: HUB, link: live, end: undefined })
  }
  const down = (end: LiveLinkEnd): void => {
    const link = live!
    live = undefined
    all.changed({ hub: HUB, link, end })
  }
  const at = async (time: number): Promise<void> => {
    ms = time
    all.tick()
    await turn()
  }
  return { all, state, dialled, ended, allowed, up, down, at }
}

type LiveLinkEnd = Parameters<Relations['changed']>[0]['end']

test('dials each address in turn, later and later, and says why there is no link', async () => {
  const { all, dialled, at } = relations()

  await at(0)
  await at(LINKS.refusedRetryMs - 1)
  await at(LINKS.refusedRetryMs)
  await at(2 * LINKS.refusedRetryMs)

  assert.deepEqual(dialled, ['/a', '/b'])
  assert.deepEqual(all.of(HUB)?.why, 'the other hub refused: not_allowlisted')
  await at(3 * LINKS.refusedRetryMs)
  assert.deepEqual(dialled, ['/a', '/b', '/a'])
})

for (const outcome of [
  { kind: 'refused', code: 'stalled' },
  { kind: 'turned_away', code: 'saturated' },
  { kind: 'turned_away', code: 'second_handshake' }
])
  test(`dials again within a minute however often a handshake ended with ${outcome.code}`, async () => {
    const { all, state, dialled, at } = relations()
    state.handshake = () => Promise.resolve(outcome as Outcome)
    for (let s = 0; s < 3600; s++) await at(s * 1000)
    const before = dialled.length

    for (let s = 3600; s <= 3660; s++) await at(s * 1000)

    assert.ok(before > 55, `${before} dials in an hour`)
    assert.equal(dialled.length, before + 1)
    assert.match(all.of(HUB)!.why, new RegExp(outcome.code))
  })

test('asks a hub that was just paired again within seconds, though it refuses', async () => {
  const { all, dialled, at } = relations()
  await at(0)

  all.renew(HUB, { isFresh: true })
  for (let s = 0; s <= 60; s++) await at(s * 1000)

  assert.ok(dialled.length >= 10, `${dialled.length} dials`)
})

test('dials nobody without an address, and says that the other side has to', async () => {
  const { all, dialled, at } = relations([])

  await at(0)

  assert.deepEqual(dialled, [])
  assert.match(all.of(HUB)!.why, /has to dial this node/)
})

test('dials once at a time, and not while there is a link', async () => {
  const { state, dialled, at, up } = relations()
  state.handshake = () => new Promise(() => undefined)
  await at(0)
  await at(60_000)
  assert.equal(dialled.length, 1)

  up()
  await at(70_000)

  assert.equal(dialled.length, 1)
})

test('a link that is silent is probed, and ended after two probes without an answer', async () => {
  const { state, ended, at, up } = relations()
  up()
  await at(LINKS.probeAfterMs)
  assert.deepEqual(ended, [])

  state.answers = false
  await at(2 * LINKS.probeAfterMs)
  assert.deepEqual(ended, [])
  await at(2 * LINKS.probeAfterMs + 1)

  assert.deepEqual(ended, ['silent'])
})

test('a link over which calls come is not probed until it is silent, and calls make up for a probe that was missed', async () => {
  const { state, ended, at, up } = relations()
  up()
  state.heard = true
  for (let n = 1; n <= 4; n++) await at(n * LINKS.probeAfterMs)
  assert.equal(state.probes, 0)

  state.heard = false
  state.answers = false
  await at(5 * LINKS.probeAfterMs)
  assert.equal(state.probes, 1)
  state.heard = true
  await at(5 * LINKS.probeAfterMs + 1)
  state.heard = false
  await at(6 * LINKS.probeAfterMs + 1)

  assert.deepEqual([state.probes, ended], [2, []])
})

test('gives up the dial of a hub that is removed, and forgets it', async () => {
  const { all, state, allowed, at } = relations()
  let dial: AbortSignal | undefined
  state.handshake = signal => {
    dial = signal
    return new Promise(() => undefined)
  }
  await at(0)
  assert.equal(dial?.aborted, false)

  allowed.length = 0
  await at(1)

  assert.equal(dial.aborted, true)
  assert.equal(all.of(HUB), undefined)
})

test('dials at once again when the entry changes', async () => {
  const { all, dialled, at } = relations()
  await at(0)
  await at(1)
  assert.equal(dialled.length, 1)

  all.renew(HUB)
  await at(2)

  assert.equal(dialled.length, 2)
})

test('dials no more than 32 hubs at one time', async () => {
  const { state, dialled, allowed, at } = relations()
  const waiting: (() => void)[] = []
  state.handshake = () => new Promise(resolve => waiting.push(() => resolve(REFUSED)))
  for (let n = 0; n < 40; n++) allowed.push({ hub: `h1${n}`, addresses: ['/c'] } as unknown as AllowedHub)

  await at(0)
  await at(1)
  assert.equal(dialled.length, 32)
  for (const end of waiting.splice(0)) end()
  await turn()
  await at(2)

  assert.equal(dialled.length, 41)
})

test('a link that comes and goes while a dial is under way begins no second one beside it', async () => {
  const { all, state, dialled, at, up, down } = relations()
  const handshakes: ((outcome: Outcome) => void)[] = []
  state.handshake = () => new Promise(resolve => handshakes.push(resolve))
  await at(0)
  up()
  down('left')

  await at(5000)
  assert.equal(dialled.length, 1)
  handshakes.shift()!(REFUSED)
  await turn()
  await at(5001)
  assert.equal(dialled.length, 2)

  all.renew(HUB)
  await at(5002)
  assert.equal(dialled.length, 3)
  handshakes.shift()!(REFUSED)
  await turn()
  assert.equal(all.of(HUB)?.isDialling, true)
  await at(600_000)
  assert.equal(dialled.length, 3)
})
