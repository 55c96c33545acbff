import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ADMIN, WRITE, guardedApp } from './access.fixture.ts'
import { SpaceSaving } from './space-saving.ts'
import { spamRoute } from './spam-route.ts'
import { BUSIEST, MAX_TYPES, SpamSight } from './spam-sight.ts'
import type { Posted } from './spam-sight.ts'

const HOUR_MS = 3_600_000
const posted: Posted = { type: 'note', decision: 'accepted', from: 'bot', thread: 't_a', ip: '203.0.113.9' }
const sight = (types: readonly string[] = ['note', 'task']): SpamSight =>
  new SpamSight({ types, key: new Uint8Array(32).fill(7), now: 0 })

test('no count is too low or too high by more than its bound, and no key that is busier than it is missing', () => {
  const keys = fc.array(fc.nat(12).map(String), { maxLength: 200 })
  fc.assert(
    fc.property(keys, fc.integer({ min: 1, max: 8 }), (sent, capacity) => {
      const busiest = new SpaceSaving(capacity)
      const real = new Map<string, number>()
      for (const key of sent) {
        busiest.add(key)
        real.set(key, (real.get(key) ?? 0) + 1)
      }
      const bound = sent.length / capacity
      const top = busiest.top(Infinity)
      assert.ok(top.length <= capacity)
      assert.equal(
        top.reduce((sum, { count }) => sum + count, 0),
        sent.length
      )
      assert.equal(busiest.total, sent.length)
      for (const { key, count, atLeast } of top) {
        const came = real.get(key) ?? 0
        assert.ok(
          count >= came && atLeast <= came && count - atLeast <= bound,
          `${key}: ${atLeast}..${count}`
        )
      }
      for (const [key, came] of real)
        if (came > bound)
          assert.ok(
            top.some(each => each.key === key),
            key
          )
      assert.deepEqual(
        top.map(({ count }) => count),
        top.map(({ count }) => count).toSorted((a, b) => b - a)
      )
    })
  )
})

test('a hundred thousand made-up senders do not hide the one that writes most', () => {
  const spam = sight()

  for (let n = 0; n < 100_000; n++) {
    spam.note({ ...posted, from: `made up ${n}`, ip: '198.51.100.1' }, 0)
    if (n % 100 === 0) spam.note({ ...posted, from: 'the one' }, 0)
  }

  const [{ senders, sources, total, counters } = assert.fail()] = spam.windows(0)
  const found = senders.find(({ key }) => key === 'the one')!
  assert.equal(senders.length, BUSIEST)
  assert.ok(found.count >= 1000 && found.count - 1000 <= total / counters)
  assert.equal(sources.length, 2)
  assert.equal(total, 101_000)
})

test('counts by type and decision, what nobody registered as other', () => {
  const spam = sight()

  spam.note(posted, 0)
  spam.note({ ...posted, decision: 'rejected' }, 0)
  for (const type of ['unknown', '__proto__', 'constructor', 'x'.repeat(9999)])
    spam.note({ ...posted, type }, 0)

  assert.deepEqual(spam.counts(), [
    { type: 'note', decision: 'accepted', count: 1 },
    { type: 'note', decision: 'rejected', count: 1 },
    { type: 'other', decision: 'accepted', count: 4 }
  ])
})

test('types beyond the first two hundred are other', () => {
  const spam = sight(Array.from({ length: MAX_TYPES + 50 }, (_, n) => `type-${n}`))

  for (let n = 0; n < MAX_TYPES + 50; n++) spam.note({ ...posted, type: `type-${n}` }, 0)

  assert.equal(spam.counts().length, MAX_TYPES + 1)
  assert.deepEqual(spam.counts().at(-1), { type: 'other', decision: 'accepted', count: 50 })
})

test('sources are told by a name that does not show their address, and that another key changes', () => {
  const spam = sight()
  const other = new SpamSight({ types: [], key: new Uint8Array(32).fill(8), now: 0 })
  for (const each of [spam, other]) {
    each.note({ ...posted, ip: '2001:db8:1:2::1' }, 0)
    each.note({ ...posted, ip: '2001:db8:1:2::2' }, 0)
  }

  const [[first], [second]] = [spam, other].map(each => each.windows(0)[0]!.sources) as [[never], [never]]

  const { key, count } = first as { key: string; count: number }
  assert.match(key, /^[0-9a-f]{32}$/)
  assert.equal(count, 2)
  assert.notEqual(key, (second as { key: string }).key)
})

test('tells this hour and the one before, and forgets what is older', () => {
  const spam = sight()
  spam.note(posted, 10)
  spam.note({ ...posted, from: 'later' }, HOUR_MS + 5)

  const [present, before] = spam.windows(HOUR_MS + 6)

  assert.deepEqual([present?.fromMs, present?.senders.map(({ key }) => key)], [HOUR_MS, ['later']])
  assert.deepEqual([before?.fromMs, before?.senders.map(({ key }) => key)], [0, ['bot']])
  assert.deepEqual(
    spam.windows(4 * HOUR_MS).map(({ total }) => total),
    [0]
  )
})

test('an admin reads who is busiest, and nobody else does', async t => {
  const { app } = guardedApp(t)
  const spam = sight()
  spamRoute(spam, () => 10)(app)
  spam.note(posted, 10)
  const ask = (token: string) =>
    app.inject({ url: '/admin/v1/spam', headers: { host: 'localhost', 'x-ams-token': token } })

  const [answer, refused] = await Promise.all([ask(ADMIN), ask(WRITE)])

  const { windows, counts } = answer.json()
  assert.deepEqual(counts, [{ type: 'note', decision: 'accepted', count: 1 }])
  assert.deepEqual(windows[0].senders, [{ key: 'bot', count: 1, at_least: 1 }])
  assert.equal(windows[0].from, '1970-01-01T00:00:00.000Z')
  assert.doesNotMatch(answer.body, /203\.0\.113/)
  assert.equal(refused.statusCode, 403)
})
