import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { CheckedRows } from '../stores/checked-rows.ts'
import { openLevel } from '../stores/level.ts'
import { FOLLOWED_ROWS, FollowedHubs } from './followed-hubs.ts'
import type { FollowedHubsOptions } from './followed-hubs.ts'
import { HOME, NOW_S, capIdOf, endOf, revoker } from './news.fixture.ts'

const key = revoker(1)
const list = key.revoke([{ cap_id: capIdOf(1) }, { kid: 2 }, { subject: 'agent-7' }])
const news = { delegations: [key.delegation], statements: list, head: key.headAt(endOf(list), NOW_S) }
const right = (change: object = {}) => ({ capId: capIdOf(9), kid: 1, ...change })

async function opened({
  ms = 0,
  level,
  ...bounds
}: { readonly ms?: number; readonly level?: Awaited<ReturnType<typeof openLevel>> } & Omit<
  FollowedHubsOptions,
  'now'
> = {}) {
  const store = level ?? (await openLevel('memory'))
  let nowMs = ms
  const now = () => ({ ms: nowMs, s: NOW_S + Math.floor(nowMs / 1000) })
  const hubs = await FollowedHubs.open(() => store, { now, ...bounds })
  return { hubs, store, pass: (more: number) => void (nowMs += more) }
}

describe('what other hubs have revoked', () => {
  test('is known by each of its names, and of no other hub', async () => {
    const { hubs } = await opened()

    assert.deepEqual(await hubs.hear(HOME, news), { seq: 3, taken: 3, problem: undefined })

    assert.equal(hubs.revokedOf(HOME, right({ capId: capIdOf(1) })), 'cap_id')
    assert.equal(hubs.revokedOf(HOME, right({ kid: 2 })), 'kid')
    assert.equal(hubs.revokedOf(HOME, right({ subject: 'agent-7' })), 'subject')
    assert.equal(hubs.revokedOf(HOME, right({ subject: 'agent-8' })), undefined)
    assert.equal(hubs.revokedOf('another', right({ kid: 2 })), undefined)
  })

  test('outlives the process; that its head was fresh does not', async () => {
    const { hubs, store } = await opened()
    await hubs.hear(HOME, news)
    assert.equal(hubs.isFresh(HOME), true)

    const { hubs: again } = await opened({ level: store })

    assert.equal(again.revokedOf(HOME, right({ kid: 2 })), 'kid')
    assert.equal(again.isFresh(HOME), false)
    assert.equal(again.seqOf(HOME), 3)
    assert.equal((await again.hear(HOME, { ...news, statements: [] })).problem, undefined)
    assert.equal(again.isFresh(HOME), true)
  })

  test('what is damaged or missing on disk is asked for again, from the beginning', async () => {
    for (const spoil of [
      (rows: CheckedRows) => rows.remove([`${HOME}/000002`]),
      (rows: CheckedRows) => rows.put([{ key: `${HOME}/000002`, value: { kid: 0 } }]),
      (rows: CheckedRows) => rows.remove([HOME])
    ]) {
      const { hubs, store } = await opened()
      await hubs.hear(HOME, news)
      await spoil(new CheckedRows(() => store, FOLLOWED_ROWS))

      const { hubs: again } = await opened({ level: store })

      assert.equal(again.seqOf(HOME), 0)
      assert.equal((await again.hear(HOME, news)).seq, 3)
      assert.deepEqual((await opened({ level: store })).hubs.seqOf(HOME), 3)
    }
  })

  test('holds in the turn in which it was heard, and is told', async () => {
    const { hubs } = await opened()
    const told: string[] = []
    hubs.onChange(hub => void told.push(hub))

    const hearing = hubs.hear(HOME, news)

    assert.equal(hubs.revokedOf(HOME, right({ kid: 2 })), 'kid')
    assert.deepEqual(told, [HOME])
    await hearing
  })

  test('a hub that is silent for a minute is told once, until it speaks again', async () => {
    const { hubs, pass } = await opened()
    await hubs.hear(HOME, news)
    assert.deepEqual(hubs.expire(), [])
    pass(59_999)
    assert.deepEqual([hubs.isFresh(HOME), hubs.expire()], [true, []])
    pass(1)

    assert.deepEqual([hubs.isFresh(HOME), hubs.expire(), hubs.expire()], [false, [HOME], []])

    await hubs.hear(HOME, { ...news, statements: [], head: key.headAt(endOf(list), NOW_S + 60) })
    assert.deepEqual([hubs.isFresh(HOME), hubs.expire()], [true, []])
  })

  test('is bounded for one hub and for all', async () => {
    for (const bounds of [{ mostOfOne: 2 }, { mostOfAll: 2 }]) {
      const { hubs } = await opened(bounds)

      const heard = await hubs.hear(HOME, news)

      assert.deepEqual([heard, hubs.size], [{ seq: 2, taken: 2, problem: 'full' }, 2])
      assert.equal(hubs.isFresh(HOME), false)
    }
  })

  test('a list that a replaced key made is forgotten, on disk too', async () => {
    const { hubs, store } = await opened()
    await hubs.hear(HOME, news)
    const after = endOf(list.slice(0, 1))
    const second = revoker(2, after)
    const rightful = second.revoke([{ cap_id: capIdOf(5) }], after)

    const delegations = [key.delegation, second.delegation]
    await hubs.hear(HOME, { delegations, statements: [], head: undefined })
    assert.equal(hubs.revokedOf(HOME, right({ kid: 2 })), undefined)
    await hubs.hear(HOME, {
      delegations,
      statements: [list[0]!, ...rightful],
      head: second.headAt(endOf(rightful), NOW_S)
    })

    const { hubs: again } = await opened({ level: store })
    assert.equal(again.seqOf(HOME), 2)
    assert.equal(again.revokedOf(HOME, right({ capId: capIdOf(5) })), 'cap_id')
    assert.equal(again.revokedOf(HOME, right({ kid: 2 })), undefined)
  })

  test('a hub that is not allowed any more is forgotten', async () => {
    const { hubs, store } = await opened()
    await hubs.hear(HOME, news)

    await hubs.forget(HOME)

    assert.deepEqual([hubs.size, hubs.isFresh(HOME)], [0, false])
    assert.equal((await opened({ level: store })).hubs.size, 0)
  })
})
