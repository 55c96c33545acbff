import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { StrangerLedger } from './stranger-ledger.ts'

const BOUNDS = { maxConnections: 16, maxSharePercent: 25, maxPerPrefix: 2, graceMs: 10_000, maxOpening: 100 }

void describe('stranger ledger', () => {
  void test('refuses one more stranger of a prefix and takes one of another', () => {
    const ledger = new StrangerLedger(BOUNDS)
    admitted(ledger, 'a')
    admitted(ledger, 'a')

    assert.deepEqual(ledger.admit('a', 0), { ok: false, refused: 'stranger_prefix' })
    assert.equal(ledger.admit('b', 0).ok, true)
  })

  void test('refuses strangers beyond their share of all connections while each of them has a call', () => {
    const ledger = new StrangerLedger(BOUNDS)
    for (const prefix of ['a', 'b', 'c', 'd']) ledger.callStarted(admitted(ledger, prefix))

    assert.deepEqual(ledger.admit('e', 0), { ok: false, refused: 'stranger_share' })
  })

  void test('gives a newcomer the place of the stranger that has been quiet longest', () => {
    const ledger = new StrangerLedger(BOUNDS)
    const [busy, quiet, quieter, fresh] = ['a', 'b', 'c', 'd'].map(prefix => admitted(ledger, prefix))
    ledger.opened(busy!, 0)
    ledger.callStarted(busy!)
    for (const [id, at] of [
      [quiet!, 200],
      [quieter!, 100],
      [fresh!, 300]
    ] as const)
      ledger.opened(id, at)

    const verdict = ledger.admit('e', 400)

    assert.equal(verdict.ok && verdict.evicted, quieter)
    assert.equal(ledger.isStranger(quieter!), false)
    assert.equal(ledger.size, 4)
  })

  void test('ends the oldest upgrade under way when too many are, and leaves open connections alone', () => {
    const ledger = new StrangerLedger({ ...BOUNDS, maxOpening: 2 })
    ledger.opened(admitted(ledger, 'a'), 0)
    const oldest = admitted(ledger, 'b')
    admitted(ledger, 'c')

    const verdict = ledger.admit('d', 1)

    assert.equal(verdict.ok && verdict.evicted, oldest)
  })

  void test('grants one stranger even where the share rounds to none', () => {
    const ledger = new StrangerLedger({ ...BOUNDS, maxConnections: 1 })

    assert.equal(ledger.admit('a', 0).ok, true)
  })

  void test('has a free place after a release or a promotion, once each', () => {
    const ledger = new StrangerLedger(BOUNDS)
    const [first, second] = [admitted(ledger, 'a'), admitted(ledger, 'a')]

    ledger.release(first)
    ledger.release(first)
    ledger.promote(second)

    assert.equal(ledger.isStranger(second), false)
    assert.equal(ledger.size, 0)
    assert.equal(ledger.admit('a', 0).ok, true)
    assert.equal(ledger.admit('a', 0).ok, true)
    assert.equal(ledger.admit('a', 0).ok, false)
  })

  void test('closes a stranger that never calls when its grace ends, not before', () => {
    const ledger = new StrangerLedger(BOUNDS)
    const id = admitted(ledger, 'a')
    ledger.opened(id, 1000)

    assert.deepEqual(ledger.overdue(10_999), [])
    assert.deepEqual(ledger.overdue(11_000), [id])
  })

  void test('counts the grace from the end of the last call and spares a call that still runs', () => {
    const ledger = new StrangerLedger(BOUNDS)
    const id = admitted(ledger, 'a')
    ledger.opened(id, 0)
    ledger.callStarted(id)
    ledger.callStarted(id)
    ledger.callEnded(id, 5000)

    assert.deepEqual(ledger.overdue(60_000), [])

    ledger.callEnded(id, 60_000)
    assert.deepEqual(ledger.overdue(69_999), [])
    assert.deepEqual(ledger.overdue(70_000), [id])
  })

  void test('never closes what is still being upgraded or what was promoted', () => {
    const ledger = new StrangerLedger(BOUNDS)
    const [, known] = [admitted(ledger, 'a'), admitted(ledger, 'b')]
    ledger.opened(known, 0)
    ledger.promote(known)

    assert.deepEqual(ledger.overdue(1e9), [])
  })

  void test('refuses a network that it barred, twice as long each time it comes back to do the same', () => {
    const ledger = new StrangerLedger(BOUNDS)
    const refusedAt = (now: number): boolean => {
      const verdict = ledger.admit('a', now)
      if (verdict.ok) ledger.release(verdict.id)
      return !verdict.ok
    }
    const barAt = (now: number): void => {
      const verdict = ledger.admit('a', now)
      assert.ok(verdict.ok)
      ledger.bar(verdict.id, now)
      ledger.bar(verdict.id, now)
      ledger.release(verdict.id)
    }

    barAt(0)
    assert.deepEqual([refusedAt(59_999), refusedAt(60_000)], [true, false])
    barAt(90_000)
    assert.deepEqual([refusedAt(209_999), refusedAt(210_000)], [true, false])
    barAt(330_000)
    assert.deepEqual([refusedAt(389_999), refusedAt(390_000)], [true, false])
  })

  void test('bars a network for 16 minutes at most', () => {
    const ledger = new StrangerLedger(BOUNDS)
    let [now, minutes] = [0, 1]
    for (let i = 0; i < 8; i++, minutes = Math.min(minutes * 2, 16)) {
      const verdict = ledger.admit('a', now)
      assert.ok(verdict.ok)
      ledger.bar(verdict.id, now)
      ledger.release(verdict.id)
      now += minutes * 60_000
      assert.equal(ledger.admit('a', now - 1).ok, false)
    }
  })

  void test('gives the place of a linked stranger to others, and bounds it again when the link ends', () => {
    const ledger = new StrangerLedger(BOUNDS)
    const linked = admitted(ledger, 'a')
    ledger.opened(linked, 0)
    ledger.park(linked)
    assert.equal(ledger.isStranger(linked), false)
    assert.deepEqual(ledger.overdue(BOUNDS.graceMs), [])
    admitted(ledger, 'a')

    assert.deepEqual(ledger.unpark(linked, 20_000), { ok: true, id: linked })

    assert.equal(ledger.isStranger(linked), true)
    assert.deepEqual(ledger.overdue(29_999), [])
    assert.deepEqual(ledger.overdue(30_000), [linked])
    assert.deepEqual(ledger.admit('a', 0), { ok: false, refused: 'stranger_prefix' })
  })

  void test('refuses one whose link ends when its network has no place left, and knows it no more', () => {
    const ledger = new StrangerLedger(BOUNDS)
    const linked = admitted(ledger, 'a')
    ledger.park(linked)
    for (let i = 0; i < 2; i++) admitted(ledger, 'a')

    assert.deepEqual(ledger.unpark(linked, 0), { ok: false, refused: 'stranger_prefix' })

    assert.equal(ledger.unpark(linked, 0), undefined)
    assert.equal(ledger.size, 2)
  })

  void test('ends no upgrade under way for one whose link ends', () => {
    const ledger = new StrangerLedger({ ...BOUNDS, maxOpening: 1 })
    const linked = admitted(ledger, 'a')
    ledger.opened(linked, 0)
    ledger.park(linked)
    const opening = admitted(ledger, 'b')

    assert.deepEqual(ledger.unpark(linked, 0), { ok: true, id: linked })

    assert.equal(ledger.isStranger(opening), true)
  })

  void test('counts the calls of a linked connection on', () => {
    const ledger = new StrangerLedger(BOUNDS)
    const linked = admitted(ledger, 'a')
    ledger.opened(linked, 0)
    ledger.park(linked)
    ledger.callStarted(linked)
    ledger.unpark(linked, 0)
    assert.deepEqual(ledger.overdue(10_000), [])

    ledger.callEnded(linked, 10_000)

    assert.deepEqual(ledger.overdue(19_999), [])
    assert.deepEqual(ledger.overdue(20_000), [linked])
  })

  void test('leaves one alone that showed a token while it was linked', () => {
    const ledger = new StrangerLedger(BOUNDS)
    const linked = admitted(ledger, 'a')
    ledger.park(linked)
    ledger.promote(linked)

    assert.equal(ledger.unpark(linked, 0), undefined)
    assert.equal(ledger.isStranger(linked), false)
  })

  void test('forgets a linked connection that is gone', () => {
    const ledger = new StrangerLedger(BOUNDS)
    const linked = admitted(ledger, 'a')
    ledger.park(linked)
    ledger.release(linked)

    assert.equal(ledger.unpark(linked, 0), undefined)
    assert.equal(ledger.size, 0)
  })

  void test('has enough of a stranger whose streams find no protocol, if they are many in a short time', () => {
    const ledger = new StrangerLedger(BOUNDS)
    const id = admitted(ledger, 'a')
    const failAt = (now: number): boolean => ledger.negotiationFailed(id, now)

    for (let i = 0; i < 100; i++) assert.equal(failAt(i * 1000), false)
    for (let i = 1; i < 32; i++) assert.equal(failAt(99_000), false)

    assert.equal(failAt(99_000), true)
    ledger.promote(id)
    assert.equal(failAt(99_000), false)
  })

  void test('keeps both bounds through any sequence of admissions and releases', () => {
    const step = fc.record({ prefix: fc.constantFrom('a', 'b', 'c', 'd', 'e'), release: fc.boolean() })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), steps => {
        const ledger = new StrangerLedger(BOUNDS)
        const held: { id: number; prefix: string }[] = []
        for (const { prefix, release } of steps) {
          const verdict = release ? undefined : ledger.admit(prefix, 0)
          if (verdict?.ok && verdict.evicted !== undefined) {
            held.splice(
              held.findIndex(({ id }) => id === verdict.evicted),
              1
            )
          }
          if (verdict?.ok) held.push({ id: verdict.id, prefix })
          if (release) ledger.release(held.shift()?.id ?? 0)
          assert.equal(ledger.size, held.length)
          assert.ok(held.length <= 4)
          assert.ok(held.filter(one => one.prefix === prefix).length <= 2)
        }
      })
    )
  })
})

function admitted(ledger: StrangerLedger, prefix: string): number {
  const verdict = ledger.admit(prefix, 0)
  assert.ok(verdict.ok)
  return verdict.id
}
