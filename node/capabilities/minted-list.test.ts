import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { openLevel } from '../stores/level.ts'
import { MintedList } from './minted-list.ts'
import type { MintedRight } from './minted-list.ts'

test('keeps rights from one opening to the next', async () => {
  const level = await openLevel('memory')
  const first = await MintedList.open(() => level)
  await first.put(right(1, 500), 100)
  await first.put({ ...right(1, 900), kids: [1, 2] }, 100)

  const second = await MintedList.open(() => level)

  assert.deepEqual(second.living(100), [{ ...right(1, 900), kids: [1, 2] }])
})

test('forgets what has expired, also where it is kept', async () => {
  const level = await openLevel('memory')
  const list = await MintedList.open(() => level)
  await list.put(right(1, 500), 100)
  await list.put(right(2, 501), 100)

  await list.forget(500)

  assert.deepEqual(ids(list, 0), [2])
  assert.equal((await MintedList.open(() => level)).size, 1)
})

test('forgets the rights of a tenant', async () => {
  const level = await openLevel('memory')
  const list = await MintedList.open(() => level)
  await list.put({ ...right(1, 500), tenant: 'gone' }, 100)
  await list.put(right(2, 500), 100)

  await list.forget(100, 'gone')

  assert.deepEqual(ids(list, 0), [2])
})

test('never holds more than it may: first goes what has expired, then what ends first', async () => {
  const step = fc.record({ id: fc.nat(30), expires: fc.integer({ min: 1, max: 100 }), wait: fc.nat(10) })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async steps => {
      const level = await openLevel('memory')
      const list = await MintedList.open(() => level, { capacity: 5 })
      let now = 0
      for (const { id, expires, wait } of steps) {
        now += wait
        const before = list.living(now)
        await list.put(right(id, now + expires), now)
        assert.ok(list.size <= 5)
        assert.deepEqual(list.get(right(id, 0).capId), right(id, now + expires))
        const lost = before.filter(({ capId }) => list.get(capId) === undefined)
        assert.ok(lost.length <= 1 && lost.every(({ expires: end }) => end === before[0]?.expires))
      }
      assert.equal((await MintedList.open(() => level)).size, list.size)
    })
  )
})

test('finds the rights that went on from a root key to a later one', async () => {
  const level = await openLevel('memory')
  const list = await MintedList.open(() => level)
  await list.put({ ...right(1, 9), kids: [1] }, 0)
  await list.put({ ...right(2, 9), kids: [1, 2] }, 0)
  await list.put({ ...right(3, 9), kids: [2] }, 0)

  const renewed = list.renewedFrom(1).map(({ capId }) => capId)

  assert.deepEqual(renewed, [right(2, 0).capId])
})

test('holds nothing that could not be written', async () => {
  const level = await openLevel('memory')
  const list = await MintedList.open(() => level)
  await list.put(right(1, 500), 100)
  await level.close()

  await assert.rejects(list.put(right(1, 900), 100))
  await assert.rejects(list.put(right(2, 900), 100))

  assert.deepEqual(list.living(100), [right(1, 500)])
})

test('says which right was damaged, and goes on without it', async () => {
  const level = await openLevel('memory')
  const list = await MintedList.open(() => level)
  await list.put(right(1, 500), 100)
  await list.put(right(2, 500), 100)
  const rows = level.sublevel<string, Uint8Array>('minted', { valueEncoding: 'view' })
  const bytes = Uint8Array.from((await rows.get(right(1, 0).capId))!)
  bytes[9]! ^= 1
  await rows.put(right(1, 0).capId, bytes)
  const damaged: string[] = []

  const again = await MintedList.open(() => level, { onDamaged: capId => damaged.push(capId) })

  assert.deepEqual([ids(again, 100), damaged], [[2], [right(1, 0).capId]])
})

const right = (id: number, expires: number): MintedRight => ({
  capId: id.toString(16).padStart(32, '0'),
  kids: [1],
  tenant: 't',
  verbs: ['echo:call'],
  expires,
  ttlS: 60
})

const ids = (list: MintedList, nowS: number): number[] =>
  list.living(nowS).map(({ capId }) => parseInt(capId, 16))
