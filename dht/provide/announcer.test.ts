import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { describe, test } from 'node:test'
import { MemoryLevel } from 'memory-level'
import { cidOf, cidText } from '../../protocols/index.ts'
import type { Cid } from '../../protocols/index.ts'
import { ManualClock, settle } from '../manual-clock.fixture.ts'
import { Announcer } from './announcer.ts'
import type { AnnouncerOptions } from './announcer.ts'
import { PROVIDE, gapMs, retryAfterMs } from './provide-pace.ts'
import { ProvideRows } from './provide-rows.ts'

const HOUR = 3_600_000
const OPTIONS = { timeout: 60_000 }
/** A Saturday in 2026. */
const START_MS = 1_795_000_000_000

void describe('the pace', () => {
  void test('spreads 100,000 roots over less than twelve hours, evenly', () => {
    const gap = gapMs(100_000)

    assert.equal(gap, 345.6)
    assert.ok(100_000 * gap < PROVIDE.intervalMs)
    assert.ok(1000 / gap < 3, 'less than three a second')
  })

  void test('is one a second for few, and never more than a hundred', () => {
    assert.equal(gapMs(0), 1000)
    assert.equal(gapMs(10), 1000)
    assert.equal(gapMs(1e9), 10)
  })

  void test('tries again after 1, 2, 4 minutes and so on, up to two hours', () => {
    assert.deepEqual(
      [1, 2, 3, 8, 100].map(n => retryAfterMs(n) / 60_000),
      [1, 2, 4, 120, 120]
    )
  })
})

void describe('announcing', OPTIONS, () => {
  void test('reaches every root once in an interval, without a burst', async () => {
    const { announcer, network, clock } = await createAnnouncer()
    await announcer.add(roots(200))

    announcer.start()
    await clock.advance(HOUR)
    assert.equal(network.announced.size, 200)
    assert.ok(leastGap(network) >= 1000, `${leastGap(network)} ms`)
    await clock.advance(20 * HOUR)

    await announcer.stop()
    assert.deepEqual(new Set([...network.announced.values()].map(times => times.length)), new Set([2]))
    assert.ok(leastGap(network) >= 1000)
  })

  void test('ends for a root that is not public, and not for one that is public again by then', async () => {
    const answers = [false, true]
    const { announcer } = await createAnnouncer({ isPublic: () => answers.shift() ?? false })
    const [again, gone] = roots(2) as [Cid, Cid]
    await announcer.add([again, gone])

    await announcer.review(again)
    assert.equal(announcer.stats.roots, 2)
    await announcer.review(gone)
    assert.equal(announcer.stats.roots, 1)
  })

  void test('of many goes on over the whole interval', async () => {
    const { announcer, network, clock } = await createAnnouncer({ numbers: { intervalMs: HOUR } })
    await announcer.add(roots(7200))

    announcer.start()
    await clock.advance(HOUR / 10)

    await announcer.stop()
    const { size } = network.announced
    assert.ok(size >= 850 && size <= 901, `${size} of 7200 in a tenth of the time`)
    assert.ok(leastGap(network) >= 399)
  })

  void test('goes on after a restart with what is due, and does not begin anew', async () => {
    const level = new MemoryLevel<string, Uint8Array>({ keyEncoding: 'utf8', valueEncoding: 'view' })
    const all = roots(100)
    const first = await createAnnouncer({}, { level })
    await first.announcer.add(all)
    first.announcer.start()
    await first.clock.advance(40_500)
    await first.announcer.stop()

    const second = await createAnnouncer({}, { level, startMs: START_MS + HOUR })
    second.announcer.start()
    await second.clock.advance(HOUR)

    await second.announcer.stop()
    assert.equal(first.network.announced.size, 41)
    assert.equal(second.network.announced.size, 59)
    assert.equal(
      all.filter(
        cid => first.network.announced.has(cidText(cid)) || second.network.announced.has(cidText(cid))
      ).length,
      100
    )
  })

  void test('of 100,000 goes on evenly after a restart, with none that was announced before', async () => {
    const level = new MemoryLevel<string, Uint8Array>({ keyEncoding: 'utf8', valueEncoding: 'view' })
    const first = await createAnnouncer({}, { level })
    await first.announcer.add(roots(100_000))
    const partMs = PROVIDE.intervalMs / 400
    first.announcer.start()
    await first.clock.advance(partMs)
    await first.announcer.stop()

    const second = await createAnnouncer({}, { level, startMs: START_MS + partMs })
    second.announcer.start()
    await second.clock.advance(partMs)
    await second.announcer.stop()

    assert.equal(second.announcer.stats.roots, 100_000)
    for (const { network } of [first, second]) {
      const { size } = network.announced
      // Of 250 that are the share of this time a quarter more, so that what was late is caught up with.
      assert.ok(size >= 312 && size <= 314, `${size} in a four hundredth of the time`)
      assert.ok(leastGap(network) >= 345, `${leastGap(network)} ms`)
    }
    assert.ok([...second.network.announced.keys()].every(cid => !first.network.announced.has(cid)))
  })

  void test('after a long rest makes no burst of what is overdue', async () => {
    const level = new MemoryLevel<string, Uint8Array>({ keyEncoding: 'utf8', valueEncoding: 'view' })
    const first = await createAnnouncer({}, { level })
    await first.announcer.add(roots(50))

    const second = await createAnnouncer({}, { level, startMs: START_MS + 100 * HOUR })
    second.announcer.start()
    await second.clock.advance(10_000)

    await second.announcer.stop()
    assert.equal(second.network.announced.size, 11)
  })

  void test('is for public roots alone: one that is not, or not any more, is forgotten', async () => {
    const [open, closed] = roots(2) as [Cid, Cid]
    const { announcer, network, clock } = await createAnnouncer({
      isPublic: cid => cid === open || !isSame(cid, closed)
    })
    await announcer.add([open, closed])

    announcer.start()
    await clock.advance(25 * HOUR)

    await announcer.stop()
    assert.deepEqual([...network.announced.keys()], [cidText(open)])
    assert.deepEqual(network.withdrawn, [cidText(closed)])
    assert.equal(announcer.stats.roots, 1)
  })

  void test('begins soon after a root is added, and ends when it is removed', async () => {
    const [cid] = roots(1) as [Cid]
    const { announcer, network, clock } = await createAnnouncer()
    announcer.start()
    await clock.advance(5 * HOUR)

    await announcer.add([cid])
    await clock.advance(1)
    assert.equal(network.announced.size, 1)
    await announcer.remove(cid)
    await clock.advance(25 * HOUR)

    await announcer.stop()
    assert.equal(network.announced.get(cidText(cid))!.length, 1)
    assert.deepEqual(network.withdrawn, [cidText(cid)])
  })

  void test('waits for peers where there are none', async () => {
    const { announcer, network, clock } = await createAnnouncer()
    network.peers = 0
    await announcer.add(roots(3))
    announcer.start()

    await clock.advance(60_000)
    assert.equal(network.announced.size, 0)
    network.peers = 1
    await clock.advance(10_000)

    await announcer.stop()
    assert.equal(network.announced.size, 3)
  })

  void test('tries again later what nobody took note of, what threw, and what did not end in time', async () => {
    const [cid] = roots(1) as [Cid]
    const codes: unknown[] = []
    const { announcer, network, clock } = await createAnnouncer({
      onAnnounced: (_, result) => codes.push('error' in result ? result.error : result.peers)
    })
    network.answers = [() => 0, () => Promise.reject(new Error('broken')), () => new Promise(() => undefined)]
    await announcer.add([cid])
    announcer.start()

    await clock.advance(HOUR)

    await announcer.stop()
    assert.deepEqual(codes, ['upstream', 'internal', 'deadline', 20])
    const [a, b, c, d] = network.announced.get(cidText(cid))!
    assert.deepEqual([b! - a!, c! - b!, d! - c!], [60_000, 120_000, 60_000 + 240_000])
  })

  void test('does no more than four at once, and stops although the network never answers', async () => {
    const { announcer, network, clock } = await createAnnouncer()
    network.answers = Array.from({ length: 100 }, () => () => new Promise<number>(() => undefined))
    await announcer.add(roots(100))
    announcer.start()

    await clock.advance(50_000)
    assert.equal(announcer.stats.underWay, 4)
    await announcer.stop()

    assert.equal(network.announced.size, 4)
    assert.equal(clock.waiting, 0)
  })

  void test('goes on after its store failed', async () => {
    const errors: unknown[] = []
    const { announcer, rows, network, clock } = await createAnnouncer({
      onError: error => errors.push(error)
    })
    const read = rows.first.bind(rows)
    await announcer.add(roots(1))
    rows.first = () => Promise.reject(new Error('the disk'))
    announcer.start()
    await clock.advance(1000)

    rows.first = read
    await clock.advance(60_000)

    await announcer.stop()
    assert.equal(errors.length, 1)
    assert.equal(network.announced.size, 1)
  })
})

void describe('the rows', OPTIONS, () => {
  void test('know each root once', async () => {
    const { rows } = await createAnnouncer()
    const [a, b] = roots(2) as [Cid, Cid]

    assert.equal(await rows.add([a, a, b], 5), 2)
    assert.equal(await rows.add([a], 1), 0)
    assert.equal(rows.count, 2)
    assert.deepEqual(
      (await rows.first(9)).map(({ dueMs }) => dueMs),
      [5, 5]
    )
  })

  void test('that a clock wrote which was set back since are due at once', async () => {
    const level = new MemoryLevel<string, Uint8Array>({ keyEncoding: 'utf8', valueEncoding: 'view' })
    const rows = await ProvideRows.open(level, { nowMs: START_MS, intervalMs: HOUR })
    await rows.add(roots(3), START_MS + 1000 * HOUR)

    const again = await ProvideRows.open(level, { nowMs: START_MS, intervalMs: HOUR })

    assert.equal(again.count, 3)
    assert.deepEqual(
      (await again.first(9)).map(({ dueMs }) => dueMs),
      [START_MS, START_MS, START_MS]
    )
  })

  void test('that are damaged are passed over', async () => {
    const level = new MemoryLevel<string, Uint8Array>({ keyEncoding: 'utf8', valueEncoding: 'view' })
    const rows = await ProvideRows.open(level, { nowMs: 0, intervalMs: HOUR })
    await rows.add(roots(1), 5)
    const times = level.sublevel<Uint8Array, Uint8Array>('provide-times', {
      keyEncoding: 'view',
      valueEncoding: 'view'
    })
    for (const key of [[0], [0, 0, 0, 0, 0, 0, 0, 1, 9], Array.from({ length: 44 }, () => 0)])
      await times.put(Uint8Array.from(key), new Uint8Array())

    assert.equal((await rows.first(9)).length, 1)
    assert.equal((await rows.first(1)).length, 1)
  })
})

/** A DHT of which every announcement is remembered with its time. */
class FakeNetwork {
  readonly announced = new Map<string, number[]>()
  readonly withdrawn: string[] = []
  answers: (() => number | Promise<number>)[] = []
  peers = 20
  readonly #clock: ManualClock

  constructor(clock: ManualClock) {
    this.#clock = clock
  }

  async withdraw(cid: Cid): Promise<void> {
    this.withdrawn.push(cidText(cid))
  }

  async provide(cid: Cid): Promise<number> {
    const times = this.announced.get(cidText(cid)) ?? []
    this.announced.set(cidText(cid), [...times, this.#clock.nowMs()])
    return (this.answers.shift() ?? (() => 20))()
  }
}

async function createAnnouncer(
  options: Partial<AnnouncerOptions> = {},
  {
    level = new MemoryLevel<string, Uint8Array>({ keyEncoding: 'utf8', valueEncoding: 'view' }),
    startMs = START_MS
  } = {}
) {
  const clock = new ManualClock()
  const network = new FakeNetwork(clock)
  const wallMs = (): number => startMs + clock.nowMs()
  const intervalMs = options.numbers?.intervalMs ?? PROVIDE.intervalMs
  const rows = await ProvideRows.open(level, { nowMs: startMs, intervalMs })
  const announcer = new Announcer({ rows, routing: network, isPublic: () => true, clock, wallMs, ...options })
  await settle()
  return { announcer, rows, network, clock }
}

const roots = (count: number): Cid[] =>
  Array.from({ length: count }, (_, n) => cidOf('raw', hash('sha256', `root ${n}`, 'buffer')))

const isSame = (a: Cid, b: Cid): boolean => cidText(a) === cidText(b)

function leastGap({ announced }: FakeNetwork): number {
  const times = [...announced.values()].flat().toSorted((a, b) => a - b)
  return Math.min(...times.slice(1).map((time, n) => time - times[n]!))
}
