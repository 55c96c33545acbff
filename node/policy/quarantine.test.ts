import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { TestContext } from 'node:test'
import { openLevel } from '../stores/level.ts'
import type { Level } from '../stores/level.ts'
import { evidence, hubNumber, item, judge } from './policy.fixture.ts'
import { QUARANTINE } from './room.ts'
import type { ReleasedItem } from './types.ts'

const BY = { actor: 'local' }
const MIB = 1024 * 1024
const ID = evidence(1).id

async function store(t: TestContext): Promise<Level> {
  const level = await openLevel('memory')
  t.after(() => level.close())
  return level
}

/** Takes each released item once, as its owner must. */
class Mailbox {
  readonly took: ReleasedItem[] = []
  readonly #ids = new Set<string>()

  readonly deliver = async (released: ReleasedItem): Promise<void> => {
    if (this.#ids.has(released.evidence.id)) return
    this.#ids.add(released.evidence.id)
    this.took.push(released)
  }
}

const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

describe('a kept item', () => {
  test('reaches nobody before the operator releases it, and is then delivered whole and gone', async t => {
    const level = await store(t)
    const mailbox = new Mailbox()
    const { judging, quarantine, entries } = await judge(level)
    judging.onRelease('mailbox.shared', mailbox.deliver)

    await judging.take(evidence(1), item('bed 7'))
    quarantine.resume()
    await turn()
    assert.deepEqual(mailbox.took, [])
    await quarantine.release(ID, BY)

    const [{ evidence: released, statement, body } = evidenceOfNothing()] = mailbox.took
    assert.deepEqual(
      [released, String(statement), String(body)],
      [{ ...evidence(1), signature: 'valid' }, 'statement of bed 7', 'bed 7']
    )
    assert.deepEqual([quarantine.items, quarantine.bytes], [0, 0])
    assert.deepEqual(entries.at(-1), {
      type: 'quarantine',
      data: { id: ID, origin: hubNumber(1), change: 'release' }
    })
    assert.equal((await judge(level)).quarantine.items, 0)
    await assert.rejects(quarantine.release(ID, BY), { code: 'not_found' })
  })

  test('is there again when the store is opened again, with its room', async t => {
    const level = await store(t)
    const first = await judge(level)
    await first.judging.take(evidence(1), item())

    const { quarantine, judging, entries } = await judge(level)
    assert.deepEqual(quarantine.list(), first.quarantine.list())
    assert.equal(quarantine.bytes, first.quarantine.bytes)
    assert.equal((await judging.take(evidence(1), item())).verdict, 'quarantine')
    assert.deepEqual(entries, [])
  })

  test('is dropped for good when the operator rejects it', async t => {
    const level = await store(t)
    const mailbox = new Mailbox()
    const { judging, quarantine, entries } = await judge(level)
    judging.onRelease('mailbox.shared', mailbox.deliver)
    await judging.take(evidence(1), item())

    await quarantine.reject(ID, BY)

    assert.equal(entries.at(-1)?.data['change'], 'reject')
    assert.equal((await judge(level)).quarantine.items, 0)
    assert.deepEqual(mailbox.took, [])
    await assert.rejects(quarantine.reject(ID, BY), { code: 'not_found' })
  })

  test('leaves after 14 days, recorded, and not before', async t => {
    let now = 1000
    const { judging, quarantine, entries } = await judge(await store(t), { now: () => now })
    await judging.take(evidence(1), item())

    now += QUARANTINE.keptMs - 1
    assert.equal(await quarantine.expire(), 0)
    now += 1
    assert.equal(await quarantine.expire(), 1)
    assert.deepEqual([quarantine.items, entries.at(-1)?.data['change']], [0, 'expire'])
  })

  test('that was changed on the disk is not delivered, and is gone with an entry of the log', async t => {
    const level = await store(t)
    const mailbox = new Mailbox()
    const damaged: string[] = []
    const { judging, quarantine, entries } = await judge(level, { onDamaged: id => damaged.push(id) })
    judging.onRelease('mailbox.shared', mailbox.deliver)
    await judging.take(evidence(1), item())
    const items = level.sublevel<string, Uint8Array>('quarantine-items', { valueEncoding: 'view' })
    const bytes = await items.get(ID)
    await items.put(ID, Buffer.concat([bytes!, Buffer.from('!')]))

    await assert.rejects(quarantine.release(ID, BY), /damaged/)

    assert.deepEqual([mailbox.took, damaged, quarantine.items], [[], [ID], 0])
    assert.equal(entries.at(-1)?.data['change'], 'damaged')
  })

  test('whose row is damaged is gone when the store is opened', async t => {
    const level = await store(t)
    await (await judge(level)).judging.take(evidence(1), item())
    const rows = level.sublevel<string, Uint8Array>('quarantine', { valueEncoding: 'view' })
    await rows.put(ID, Buffer.from('?'))
    const damaged: string[] = []

    const { quarantine, entries } = await judge(level, { onDamaged: id => damaged.push(id) })

    assert.deepEqual([quarantine.items, damaged], [0, [ID]])
    assert.deepEqual(entries, [{ type: 'quarantine', data: { id: ID, change: 'damaged' } }])
    assert.equal((await judge(level)).quarantine.items, 0)
  })
})

describe('a release', () => {
  test('that a crash cut short before or after the delivery is made again, once', async t => {
    for (const cut of ['before', 'after'] as const) {
      const level = await store(t)
      const mailbox = new Mailbox()
      const dying = await judge(level)
      dying.judging.onRelease('mailbox.shared', async released => {
        if (cut === 'after') await mailbox.deliver(released)
        throw new Error('the process dies here')
      })
      await dying.judging.take(evidence(1), item())
      await assert.rejects(dying.quarantine.release(ID, BY), /not delivered yet: the process dies/)

      const { judging, quarantine, entries } = await judge(level)
      assert.equal(quarantine.find(ID).releasing, true)
      judging.onRelease('mailbox.shared', mailbox.deliver)
      await quarantine.expire()

      assert.deepEqual([mailbox.took.length, quarantine.items, entries], [1, 0, []])
    }
  })

  test('that fails holds, says why, and is tried again', async t => {
    const failed: string[] = []
    const { judging, quarantine, entries } = await judge(await store(t), {
      onFailed: (_, error) => failed.push((error as Error).message)
    })
    const mailbox = new Mailbox()
    let isGone = true
    judging.onRelease('mailbox.shared', released =>
      isGone ? Promise.reject(new Error('the share is gone')) : mailbox.deliver(released)
    )
    await judging.take(evidence(1), item())

    await assert.rejects(quarantine.release(ID, BY), { code: 'conflict' })
    await assert.rejects(quarantine.release(ID, BY), /the share is gone/)
    quarantine.resume()
    await quarantine.expire()
    assert.match(failed.join(), /the share is gone/)
    isGone = false
    await quarantine.release(ID, BY)

    assert.deepEqual([mailbox.took.length, quarantine.items], [1, 0])
    assert.equal(entries.filter(({ data }) => data['change'] === 'release').length, 1)
  })

  test('that waits to be delivered is not lost by age; the operator may still reject it', async t => {
    let now = 1000
    const { judging, quarantine, entries } = await judge(await store(t), { now: () => now })
    judging.onRelease('mailbox.shared', () => Promise.reject(new Error('the mailbox is full')))
    await judging.take(evidence(1), item())
    await assert.rejects(quarantine.release(ID, BY), /the mailbox is full/)

    now += QUARANTINE.keptMs
    assert.equal(await quarantine.expire(), 0)
    assert.equal(quarantine.items, 1)

    await quarantine.reject(ID, BY)
    assert.deepEqual(
      [quarantine.items, entries.at(-1)?.data],
      [0, { id: ID, origin: hubNumber(1), change: 'reject', released: true }]
    )
  })

  test('of a kind that nobody takes is refused, and the item stays', async t => {
    const { judging, quarantine, entries } = await judge(await store(t))
    await judging.take(evidence(1), item())

    await assert.rejects(quarantine.release(ID, BY), { code: 'conflict' })

    assert.deepEqual([quarantine.items, entries.length], [1, 1])
  })

  test('is not begun when it cannot be recorded', async t => {
    let isBroken = false
    const mailbox = new Mailbox()
    const { judging, quarantine } = await judge(await store(t), {
      record: () => (isBroken ? Promise.reject(new Error('no log')) : Promise.resolve())
    })
    judging.onRelease('mailbox.shared', mailbox.deliver)
    await judging.take(evidence(1), item())
    isBroken = true

    await assert.rejects(quarantine.release(ID, BY), /no log/)

    assert.deepEqual([mailbox.took, quarantine.find(ID).releasing], [[], false])
  })
})

describe('room', () => {
  const bounds = { itemsPerOrigin: 2, bytesPerOrigin: MIB, items: 3, bytes: MIB }
  const full = { verdict: 'reject', reasons: ['quarantine_full'], retryAfterMs: QUARANTINE.retryMs }

  test('is bounded by items of one origin, and by items of all', async t => {
    const { judging, quarantine, entries } = await judge(await store(t), { bounds })
    const take = (n: number, hub: number) => judging.take(evidence(n, { origin: hubNumber(hub) }), item())

    await Promise.all([take(1, 1), take(2, 1)])
    assert.deepEqual(await take(3, 1), full)
    assert.equal((await take(4, 2)).verdict, 'quarantine')
    assert.deepEqual(await take(5, 3), full)
    assert.deepEqual([quarantine.items, entries.length], [3, 3])
    await quarantine.reject(ID, BY)
    assert.equal((await take(5, 3)).verdict, 'quarantine')
  })

  test('is bounded by bytes of one origin, and by bytes of all', async t => {
    const tight = { ...bounds, itemsPerOrigin: 10, items: 10, bytesPerOrigin: 2000, bytes: 2300 }
    const { judging, quarantine } = await judge(await store(t), { bounds: tight })
    const take = (n: number, hub: number) =>
      judging.take(evidence(n, { origin: hubNumber(hub) }), item('x'.repeat(400)))

    assert.equal((await take(1, 1)).verdict, 'quarantine')
    assert.equal((await take(2, 1)).verdict, 'quarantine')
    assert.deepEqual(await take(3, 1), full)
    assert.deepEqual(await take(4, 2), full)
    assert.ok(quarantine.bytes <= 2300)
  })

  test('that many ask for at once is given once', async t => {
    const { judging, quarantine } = await judge(await store(t), { bounds })

    const all = await Promise.all([1, 2, 3, 4, 5].map(n => judging.take(evidence(n), item())))

    assert.equal(all.filter(({ verdict }) => verdict === 'quarantine').length, 2)
    assert.equal(quarantine.items, 2)
  })
})

function evidenceOfNothing(): never {
  throw new Error('nothing was delivered')
}

describe('what is too old', () => {
  const DAYS_14 = QUARANTINE.keptMs

  test('leaves after an hour in which it was known, and not for a clock that was wrong for less', async t => {
    let [nowMs, steadyMs] = [1000, 0]
    const over: number[] = []
    const { judging, quarantine, entries } = await judge(await store(t), {
      now: () => nowMs,
      steadyMs: () => steadyMs,
      onOver: items => over.push(items)
    })
    await judging.take(evidence(1), item())

    nowMs += DAYS_14
    assert.equal(await quarantine.expire(), 0)
    steadyMs += QUARANTINE.graceMs - 1
    assert.equal(await quarantine.expire(), 0)
    // The clock is set right, and later it is 14 days after all.
    nowMs -= 1
    assert.equal(await quarantine.expire(), 0)
    nowMs += 1
    steadyMs += 1
    assert.equal(await quarantine.expire(), 0)
    assert.deepEqual([quarantine.items, over], [1, [1, 1]])
    steadyMs += QUARANTINE.graceMs
    assert.equal(await quarantine.expire(), 1)

    assert.equal(quarantine.items, 0)
    assert.equal(entries.at(-1)?.data['change'], 'expire')
  })
})

test('a delivery that hangs holds up others for a while alone, and waits for its turn once', async t => {
  const failed: string[] = []
  const { judging, quarantine } = await judge(await store(t), {
    deliverMs: 1,
    onFailed: id => failed.push(id)
  })
  let calls = 0
  judging.onRelease('mailbox.shared', released => {
    if (released.evidence.id !== ID) return Promise.resolve()
    calls++
    return new Promise(() => undefined)
  })
  await judging.take(evidence(1), item())
  await judging.take(evidence(2), item())

  await assert.rejects(quarantine.release(ID, BY), { code: 'conflict' })
  for (let n = 0; n < 5; n++) quarantine.resume()
  await quarantine.release(evidence(2).id, BY)

  assert.deepEqual([calls, failed], [2, [ID]])
  assert.deepEqual(
    quarantine.list().map(({ evidence: { id } }) => id),
    [ID]
  )
})
