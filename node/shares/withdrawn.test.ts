import assert from 'node:assert/strict'
import { test } from 'node:test'
import { signer } from '../peer-keys/signers.fixture.ts'
import { openLevel } from '../stores/level.ts'
import { LevelMailboxStore } from '../stores/mailbox/index.ts'
import { WINDOW_S, island } from './island.fixture.ts'
import type { IslandHub } from './island.fixture.ts'
import { SHARE_ROWS, ShareRows } from './rows.ts'
import { Shares } from './shares.ts'
import type { SharesOptions } from './shares.ts'

const NOW_S = 1_795_000_000
const SHARE = '5f1d09c4a7e24be08c3a6d2f90b1e7c8'

test('what is withdrawn by the time at which it would be numbered gets no number, and its row goes away', async () => {
  const level = await openLevel('memory')
  const store = await LevelMailboxStore.open(level, { now: () => NOW_S * 1000, idemWindowMs: 1000 })
  const commit = async (
    beside: Parameters<Parameters<Shares['opened']>[1]['writeBeside']>[0]
  ): Promise<void> => void (await store.commit([{ do: 'beside', beside }]))
  const { hub, key, hex } = signer(1)
  const signs = { hub, node: 'core', key, publicKey: hex, epoch: 1, notBefore: 0, notAfter: NOW_S + 10 }
  let told = 0
  const options: Partial<SharesOptions> = {
    self: hub,
    agreements: { sharesOf: () => [SHARE], windowOf: () => 3600 } as never,
    signer: () => signs,
    now: () => ({ ms: 0, s: NOW_S }),
    nowMs: () => NOW_S * 1000,
    stored: () => void told++
  }
  const shares = new Shares(options as SharesOptions)
  const reading = { commit, log: undefined, isCutShort: false, onDamaged: () => undefined }
  const { book } = await shares.read(new ShareRows(level), reading)
  shares.opened(book, { deliver: async () => assert.fail('nothing is for the mailbox'), writeBeside: commit })
  const send = async (isWithdrawn: boolean): Promise<boolean> => {
    await level.put('row', Buffer.from('1'))
    const outgoing = { tenant: 'a', topic: 'ams/t_a', body: Buffer.from('{}') }
    return await shares.send(outgoing, [['row', undefined]], { isWithdrawn: () => isWithdrawn })
  }

  assert.equal(await send(true), false)
  assert.deepEqual([book.own(SHARE).stored.last, await level.get('row'), told], [0, undefined, 0])
  assert.equal(await send(false), true)
  assert.deepEqual([book.own(SHARE).stored.last, await level.get('row'), told], [1, undefined, 1])
})

test('a hub that was away gets no body of what was withdrawn, lacks no number, and asks for it no more', async () => {
  const { hubs } = await island(3)
  const [origin, early, late] = hubs as [IslandHub, IslandHub, IslandHub]
  for (const text of ['one', 'two', 'three']) await origin.send(text, undefined, text)
  await origin.send('two again', undefined, 'two')
  early.link(origin.id, origin.serving)
  await early.round()
  const whole = origin.book.own(SHARE).stored.bytes

  await Promise.all([origin.book.withdraw('two'), origin.book.withdraw('two'), origin.book.withdraw('none')])
  await origin.restart()
  let pulls = 0
  late.link(origin.id, {
    state: (hub, asked) => origin.serving.state(hub, asked),
    pull: (hub, asked) => {
      pulls++
      return origin.serving.pull(hub, asked)
    }
  })
  for (let round = 0; round < 3; round++) await late.round()

  const own = origin.book.own(SHARE)
  assert.deepEqual(await early.texts(), ['one', 'three', 'two', 'two again'])
  assert.deepEqual(await late.texts(), ['one', 'three'])
  const [track] = late.book.of(SHARE)
  assert.deepEqual(
    [track!.stored.last, track!.stored.missing, late.book.counts()],
    [4, [], { lag: 0, gap: 0 }]
  )
  assert.equal(pulls, 1)
  assert.equal(whole - own.stored.bytes, 'two'.length + 'two again'.length)
  const { id, line, isWithdrawn } = (await origin.book.rows.message(own, 2))!
  assert.deepEqual([isWithdrawn, await origin.book.rows.body(own, 2)], [true, undefined])
  assert.equal(id, (await early.book.rows.message(own, 2))!.id)
  assert.match(line, /"number":2,/)
})

test('nothing is left of what can be withdrawn once its window is over', async () => {
  const { hubs, clock } = await island(1)
  const [origin] = hubs as [IslandHub]
  for (const text of ['one', 'two']) await origin.send(text, undefined, text)
  await origin.book.withdraw('one')
  assert.equal((await origin.rows()).length, 5)

  clock.pass(2 * WINDOW_S + 3601)
  await origin.book.sweep()

  const [track, ...others] = await origin.rows()
  assert.match(track!, new RegExp(`^!${SHARE_ROWS}!t`))
  assert.deepEqual(others, [])
})

test('what another hub sent is given on no more once it is withdrawn here, also where it is taken at that time', async () => {
  const { hubs } = await island(3, { isRelayed: true })
  const [origin, between, late] = hubs as [IslandHub, IslandHub, IslandHub]
  let isWithdrawn = false
  between.takes = async ({ body }) => ({
    of: Buffer.from(body).toString(),
    isWithdrawn: () => isWithdrawn,
    [Symbol.dispose]: () => undefined
  })
  for (const text of ['one', 'two']) await origin.send(text)
  between.link(origin.id, origin.serving)
  await between.round()
  isWithdrawn = true
  await origin.send('three')
  await between.round()

  await between.book.withdraw('one')
  late.link(between.id, between.serving)
  await late.round()
  assert.deepEqual(await late.texts(), ['two'])

  late.link(origin.id, origin.serving)
  await late.round()
  assert.deepEqual(await late.texts(), ['one', 'three', 'two'])
})
