import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { OapError, chainKey } from '../../protocols/index.ts'
import { nodeMacaroonCrypto } from '../macaroon-crypto.ts'
import { DEFAULT_GRACE_MS, KeyRing, MAX_GRACE_MS, MAX_ROOT_KEYS, newRing } from './key-ring.ts'
import type { Ring } from './key-ring.ts'

const NOW = Date.UTC(2026, 0, 1)

test('begins with one random key of 32 bytes', () => {
  const [one, other] = [newRing(), newRing()]

  assert.equal(one.current.kid, 1)
  assert.equal(one.current.key.length, 32)
  assert.notDeepEqual(one.current.key, other.current.key)
})

test('gives the chain key of the key with a kid', () => {
  const ring = newRing()
  const keys = new KeyRing(ring, async () => {})

  assert.deepEqual(keys.chainKeyOf(1, NOW), chainKey(nodeMacaroonCrypto, ring.current.key))
  assert.deepEqual(keys.currentChainKey, keys.chainKeyOf(1, NOW))
})

test('keeps the key before the current one for 48 hours, and then knows it no more', async () => {
  const { keys } = kept()
  const first = keys.keyOf(1, NOW)

  const rotation = await keys.rotate(NOW)

  const end = NOW + DEFAULT_GRACE_MS
  assert.equal(DEFAULT_GRACE_MS, 48 * 3600 * 1000)
  assert.deepEqual(rotation, { kid: 2, previous: 1, graceUntil: end })
  assert.deepEqual(keys.keyOf(1, end - 1), first)
  assert.equal(keys.keyOf(1, end), undefined)
  assert.notDeepEqual(keys.keyOf(2, end), first)
})

test('breaking the glass drops every other key at once, those in grace too', async () => {
  const { keys, saved } = kept()
  await keys.rotate(NOW)

  const rotation = await keys.rotate(NOW, { breakGlass: true })

  assert.deepEqual(rotation, { kid: 3, previous: 2, graceUntil: undefined })
  assert.deepEqual(
    [1, 2, 3].map(kid => keys.keyOf(kid, NOW) !== undefined),
    [false, false, true]
  )
  assert.deepEqual(saved.at(-1)?.grace, [])
})

test('a rotation without grace drops the current key, and leaves others their own', async () => {
  const { keys } = kept()
  await keys.rotate(NOW, { graceMs: 5000 })

  const { graceUntil } = await keys.rotate(NOW + 1, { graceMs: 0 })

  assert.equal(graceUntil, undefined)
  assert.deepEqual(
    [1, 2, 3].map(kid => keys.keyOf(kid, NOW + 2) !== undefined),
    [true, false, true]
  )
})

test('forgets keys whose grace is over, also where they are kept', async () => {
  const { keys, saved } = kept()
  await keys.rotate(NOW, { graceMs: 1000 })

  assert.equal(await keys.forgetExpired(NOW + 999), false)
  assert.equal(await keys.forgetExpired(NOW + 1000), true)

  assert.deepEqual(saved.at(-1)?.grace, [])
})

test('goes on with the keys that it had when the new ones cannot be kept', async () => {
  const keys = new KeyRing(newRing(), () => Promise.reject(new Error('no space')))
  const first = keys.keyOf(1, NOW)

  await assert.rejects(keys.rotate(NOW, { breakGlass: true }), /no space/)

  assert.equal(keys.current, 1)
  assert.deepEqual(keys.keyOf(1, NOW), first)
})

test('refuses a grace out of bounds, and more keys than it may hold', async () => {
  const { keys } = kept()

  for (const graceMs of [-1, 1.5, MAX_GRACE_MS + 1, NaN])
    await assert.rejects(keys.rotate(NOW, { graceMs }), refusal('bad_request'))
  for (let n = 1; n < MAX_ROOT_KEYS; n++) await keys.rotate(NOW)
  await assert.rejects(keys.rotate(NOW), refusal('conflict'))

  assert.equal((await keys.rotate(NOW, { breakGlass: true })).kid, MAX_ROOT_KEYS + 1)
})

test('counts kids upwards and holds exactly the keys whose time is not over, whatever is done', async () => {
  const step = fc.record({
    wait: fc.nat(5000),
    graceMs: fc.nat(10_000),
    breakGlass: fc.boolean(),
    forget: fc.boolean()
  })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 20 }), async steps => {
      const { keys } = kept()
      const ends = new Map([[1, Infinity]])
      let now = NOW
      for (const { wait, graceMs, breakGlass, forget } of steps) {
        now += wait
        const { kid } = await keys.rotate(now, { graceMs, breakGlass })
        if (breakGlass) ends.clear()
        else ends.set(kid - 1, now + graceMs)
        ends.set(kid, Infinity)
        if (forget) await keys.forgetExpired(now)
        for (let k = 0; k <= kid + 1; k++)
          assert.equal(keys.keyOf(k, now) !== undefined, now < (ends.get(k) ?? 0), `kid ${k}`)
      }
    })
  )
})

function kept() {
  const saved: Ring[] = []
  return { keys: new KeyRing(newRing(), async ring => void saved.push(ring)), saved }
}

const refusal =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof OapError && error.code === code
