import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { describe, test } from 'node:test'
import {
  SHARED_MESSAGE,
  SHARES,
  delegate,
  emptyBook,
  formatSigned,
  learnDelegation,
  signStatement
} from '../../federation/index.ts'
import type { DelegationBook, SharedMessage } from '../../federation/index.ts'
import { OapError } from '../../protocols/index.ts'
import { signer as keyOf } from '../peer-keys/signers.fixture.ts'
import type { Taken } from '../policy/index.ts'
import { openLevel } from '../stores/level.ts'
import { LevelMailboxStore } from '../stores/mailbox/index.ts'
import type { Level } from '../stores/level.ts'
import { ShareBook } from './book.ts'
import { ShareRows } from './rows.ts'
import { Taking } from './taking.ts'
import type { Asked, Elsewhere, Item } from './taking.ts'

const NOW_S = 1_795_000_000
const HUB = keyOf(1)
const SELF = keyOf(60)
const SIGNER = keyOf(61)
const OTHER = keyOf(62)
const SHARE = '5f1d09c4a7e24be08c3a6d2f90b1e7c8'
const TENANT = '11111111-1111-4111-8111-111111111111'
const SERIES = 1_794_000_000_000
const WINDOW_S = 7 * 24 * 3600
const BODY = Buffer.from('bed 7')
const TOPIC = 'orders/new'

/** A message of the hub with everything right, but for what is given. */
function item(number: number, more: Partial<SharedMessage> = {}, body: Uint8Array = BODY): Item {
  const statement: SharedMessage = {
    at: NOW_S,
    body_sha256: hash('sha256', body, 'hex'),
    bytes: body.length,
    epoch: 1,
    hub: HUB.hub,
    key: SIGNER.hex,
    node: 'core',
    number,
    priority: 4,
    series: SERIES,
    share: SHARE,
    topic: TOPIC,
    ...more
  }
  return asItem(formatSigned(signStatement(SHARED_MESSAGE, SIGNER.key, statement)), body)
}

function asItem(line: string, body: Uint8Array = BODY): Item {
  const bytes = Buffer.from(line)
  return { line: bytes.length, body: Buffer.concat([bytes, body]) }
}

const keys = (): DelegationBook => {
  const learned = learnDelegation(
    emptyBook(HUB.hub),
    delegate(HUB.key, {
      hub: HUB.hub,
      node: 'core',
      role: 'message',
      key: SIGNER.hex,
      not_before: NOW_S - 30 * 24 * 3600,
      not_after: NOW_S + 1000,
      epoch: 1
    })
  )
  assert.ok(learned.verdict === 'new')
  return learned.book
}

/** A hub that takes from another, over a store of its own. */
async function given({
  level,
  topics = 'orders/',
  verdict = 'accept',
  take = async () => ({ verdict, reasons: [] }),
  delivering = async () => undefined,
  elsewhere
}: {
  readonly level?: Level
  readonly topics?: string
  readonly verdict?: 'accept' | 'quarantine' | 'reject'
  readonly take?: () => Promise<Taken>
  /** Before each message is written. */
  readonly delivering?: (topic: string) => Promise<unknown>
  readonly elsewhere?: Elsewhere
} = {}) {
  const over = level ?? (await openLevel('memory'))
  const store = await LevelMailboxStore.open(over, { now: () => NOW_S * 1000, idemWindowMs: 1000 })
  const book = await ShareBook.open(new ShareRows(over), {
    self: SELF.hub,
    nowMs: () => NOW_S * 1000,
    log: undefined,
    isCutShort: false,
    commit: async beside => void (await store.commit([{ do: 'beside', beside }])),
    onDamaged: () => undefined
  })
  const refused: string[] = []
  const proofs: string[][] = []
  const way = {
    tenant: TENANT,
    relay: false,
    windowS: WINDOW_S,
    has: (topic: string) => topic.startsWith(topics),
    terms: '00'.repeat(16)
  }
  const taking = new Taking({
    agreements: { in: () => way, from: origin => (origin === HUB.hub ? way : undefined) },
    book,
    mailbox: {
      async deliver({ tenant, topic, priority, body, beside }) {
        await delivering(topic)
        await store.commit([
          { do: 'append', message: { tenant, topic, priority, meta: new Uint8Array(), body, beside } }
        ])
      },
      writeBeside: async beside => void (await store.commit([{ do: 'beside', beside }]))
    },
    acceptance: { take },
    keysOf: keys,
    now: () => ({ ms: 0, s: NOW_S }),
    refusals: { refuse: (_from, why) => void refused.push(why) },
    onEquivocation: (first, second) => void proofs.push([first, second]),
    delivered: () => undefined,
    elsewhere
  })
  const waiting = (): number => store.counts({ tenant: TENANT, topic: TOPIC }).ready.messages
  return { level: over, store, book, taking, refused, proofs, waiting }
}

const asked = (from: number, to = from, more: Partial<Asked> = {}): Asked => ({
  share: SHARE,
  origin: HUB.hub,
  series: SERIES,
  source: HUB.hub,
  numbers: [[from, to]],
  ...more
})

void describe('a message that came in a share', () => {
  void test('is delivered once, however often it comes, also after a restart', async () => {
    const first = await given()
    assert.deepEqual(await first.taking.takeAll(asked(1, 2), [item(2), item(1)]), ['taken', 'taken'])
    assert.deepEqual(await first.taking.takeAll(asked(1, 2), [item(1), item(2)]), ['taken', 'taken'])
    assert.equal(first.waiting(), 2)
    await first.store[Symbol.asyncDispose]()

    const again = await given({ level: first.level })
    await again.taking.takeAll(asked(1, 3), [item(1), item(2), item(3)])

    assert.equal(again.waiting(), 3)
    assert.deepEqual(again.refused, [])
  })

  void test('is written together with the others of its answer', { timeout: 60_000 }, async () => {
    let begun = 0
    const all = Promise.withResolvers<void>()
    const { taking, waiting } = await given({
      delivering: () => {
        if (++begun === 20) all.resolve()
        return all.promise
      }
    })

    const outcomes = await taking.takeAll(
      asked(1, 20),
      Array.from({ length: 20 }, (_, n) => item(n + 1))
    )

    assert.deepEqual(new Set(outcomes), new Set(['taken']))
    assert.equal(waiting(), 20)
  })

  void test('for another part that is full comes again later, and holds up nothing beside it', async () => {
    let isFull = true
    const { taking, book, waiting } = await given({
      elsewhere: {
        has: (_tenant, topic) => topic === 'orders/full',
        async take() {
          if (isFull) throw new OapError('mailbox_full', 'full', { code: 'storage_full' })
          return { of: 'one', isWithdrawn: () => false, [Symbol.dispose]: () => undefined }
        }
      }
    })
    const full = item(1, { topic: 'orders/full' })

    assert.deepEqual(await taking.takeAll(asked(1, 2), [full, item(2)]), ['later', 'taken'])
    assert.deepEqual([waiting(), book.isKnown(asked(1), 1)], [1, false])
    isFull = false
    assert.deepEqual(await taking.takeAll(asked(1), [full]), ['taken'])
    assert.equal(book.isKnown(asked(1), 1), true)
  })

  void test('and cannot be written comes again, and those beside it are there once', async () => {
    let isFull = true
    const { taking, book, waiting } = await given({
      delivering: async topic => {
        if (isFull && topic === 'orders/full') throw new OapError('mailbox_full')
      }
    })
    const all = [item(1), item(2, { topic: 'orders/full' }), item(3)]

    await assert.rejects(taking.takeAll(asked(1, 3), all), { code: 'mailbox_full' })
    const [series] = book.of(SHARE)
    assert.deepEqual([series!.stored.last, series!.stored.missing, series!.taking.size], [3, [[2, 2]], 0])
    isFull = false
    assert.deepEqual(await taking.takeAll(asked(1, 3), all), ['taken', 'taken', 'taken'])

    assert.equal(waiting(), 2)
    assert.deepEqual(series!.stored.missing, [])
  })

  void test('behind one that shows a fault of its source is left, and what came before it is there', async () => {
    const { taking, refused, waiting } = await given()

    const outcomes = await taking.takeAll(asked(1, 3), [item(1), item(9), item(2)])

    assert.deepEqual([outcomes, refused, waiting()], [['taken', 'wrong'], ['misnumbered'], 1])
  })

  void test('waits where there would be more gaps than are kept, together with what is being taken', async () => {
    const { taking, refused } = await given()
    const numbers = Array.from({ length: SHARES.stretches + 1 }, (_, n) => 2 * n + 2)

    const outcomes = await taking.takeAll(
      asked(1, 1000),
      numbers.map(number => item(number))
    )

    assert.deepEqual(outcomes.slice(-2), ['taken', 'later'])
    assert.deepEqual(refused, ['scattered'])
  })

  void test('that an operator releases after it was given up is delivered once, whatever is cut short', async () => {
    const { book, taking, waiting, store, level } = await given()
    const { line, body } = item(1)
    const text = Buffer.from(body.subarray(0, line)).toString()
    await book.giveUpBelow(book.open({ share: SHARE, origin: HUB.hub, series: SERIES }, WINDOW_S)!, 5)

    await taking.release(text, BODY)
    // As after a crash before the quarantine has forgotten it.
    await taking.release(text, BODY)
    await store[Symbol.asyncDispose]()
    const again = await given({ level })
    await again.taking.release(text, BODY)

    assert.equal(again.waiting(), 1)
    assert.equal(waiting(), 1)
  })

  void test('that is released from quarantine counts once in what is kept', async () => {
    const { book, taking } = await given({ verdict: 'quarantine' })
    const { line, body } = item(1)
    await taking.takeAll(asked(1), [item(1)])
    const [series] = book.of(SHARE)
    const { bytes } = series!.stored

    await taking.release(Buffer.from(body.subarray(0, line)).toString(), BODY)

    assert.equal(series!.stored.bytes, bytes)
  })

  void test('that was released late is forgotten once nobody can release it again', async () => {
    const { book, taking, level, store } = await given()
    const { line, body } = item(1)
    const series = book.open({ share: SHARE, origin: HUB.hub, series: SERIES }, WINDOW_S)!
    await book.giveUpBelow(series, 5)
    await taking.release(Buffer.from(body.subarray(0, line)).toString(), BODY)
    const later = async (s: number) => {
      const opened = await ShareBook.open(new ShareRows(level), {
        self: SELF.hub,
        nowMs: () => (NOW_S + s) * 1000,
        log: undefined,
        isCutShort: false,
        commit: async beside => void (await store.commit([{ do: 'beside', beside }])),
        onDamaged: () => undefined
      })
      await opened.sweep()
      return await opened.rows.message(series, 1)
    }

    assert.equal((await later(WINDOW_S + SHARES.knownS))?.state, 'delivered')
    assert.equal(await later(WINDOW_S + SHARES.knownS + 1), undefined)
  })

  const wrong: Readonly<Record<string, readonly [Item, string, Partial<Asked>?]>> = {
    'of a number that was not asked for': [item(9), 'misnumbered'],
    'of another series': [item(1, { series: SERIES + 1 }), 'misnumbered'],
    'of another share': [item(1, { share: '0'.repeat(32) }), 'misnumbered'],
    'with another body': [{ ...item(1), body: Buffer.concat([item(1).body, Buffer.of(0)]) }, 'body'],
    'cut short': [{ line: 40, body: item(1).body }, 'malformed'],
    'whose line is longer than all': [{ line: 32_000, body: Buffer.from('{}') }, 'malformed'],
    'signed by another key': [item(1, { key: OTHER.hex }), 'key'],
    'whose signature is of something else': [
      asItem(formatSigned({ statement: statementOf(item(1)), signature: new Uint8Array(64) })),
      'signature'
    ],
    'from an hour ahead': [item(1, { at: NOW_S + 61 }), 'clock'],
    'of an origin that shares nothing': [
      item(1, { hub: OTHER.hub }),
      'share',
      { origin: OTHER.hub, source: OTHER.hub }
    ],
    'brought by a hub that may not': [item(1), 'relay', { source: OTHER.hub }]
  }
  for (const [what, [one, why, more]] of Object.entries(wrong)) {
    void test(`${what} is refused as ${why}, and nothing is applied`, async () => {
      const { taking, refused, waiting, book } = await given()

      await taking.takeAll(asked(1, 1, more), [one])

      assert.deepEqual(refused, [why])
      assert.equal(waiting(), 0)
      assert.equal(book.isKnown({ share: SHARE, origin: HUB.hub, series: SERIES }, 1), false)
    })
  }

  void test('twice in one answer is refused, and the answer is read no further', async () => {
    const { taking, refused, waiting } = await given()

    const outcomes = await taking.takeAll(asked(1, 3), [item(1), item(1), item(2)])

    assert.deepEqual(outcomes, ['taken', 'wrong'])
    assert.deepEqual(refused, ['replayed'])
    assert.equal(waiting(), 1)
  })

  void test('older than the window, or of a topic that is not shared, is settled and delivered to nobody', async () => {
    const { taking, refused, waiting, book } = await given({ topics: 'orders/new' })
    const old = item(1, { at: NOW_S - WINDOW_S - 1 })

    await taking.takeAll(asked(1, 2), [old, item(2, { topic: 'orders/secret' })])

    assert.deepEqual(refused, ['stale', 'topic'])
    assert.equal(waiting(), 0)
    assert.deepEqual(book.counts(HUB.hub), { lag: 0, gap: 1 })
    assert.equal(book.isKnown({ share: SHARE, origin: HUB.hub, series: SERIES }, 2), true)
  })

  void test('that the policy rejects does not come again', async () => {
    const { taking, waiting, book } = await given({ verdict: 'reject' })

    await taking.takeAll(asked(1), [item(1)])

    assert.equal(waiting(), 0)
    assert.equal(book.isKnown({ share: SHARE, origin: HUB.hub, series: SERIES }, 1), true)
  })

  void test('that is not decided on now is not settled, and is delivered when it comes again', async () => {
    const answers: Taken[] = [
      { verdict: 'reject', reasons: ['origin_quarantined'], retryAfterMs: 60_000 },
      { verdict: 'accept', reasons: [] }
    ]
    const { taking, waiting, book } = await given({ take: async () => answers.shift()! })

    assert.deepEqual(await taking.takeAll(asked(1), [item(1)]), ['later'])
    assert.equal(book.isKnown({ share: SHARE, origin: HUB.hub, series: SERIES }, 1), false)
    assert.deepEqual(await taking.takeAll(asked(1), [item(1)]), ['taken'])

    assert.equal(waiting(), 1)
  })

  void test('with another id for its number is proof, and is not delivered', async () => {
    const { taking, proofs, refused, waiting } = await given()
    await taking.takeAll(asked(1), [item(1)])

    await taking.takeAll(asked(1), [item(1, { priority: 5 })])

    assert.equal(waiting(), 1)
    assert.deepEqual(refused, ['equivocation'])
    assert.deepEqual(
      proofs[0]!.map(line => (JSON.parse(line) as { statement: SharedMessage }).statement.priority),
      [4, 5]
    )
  })
})

void describe('the book of shares', () => {
  void test('numbers in a later series over a store beside another audit log, and keeps the old one', async () => {
    const { level, store } = await given()
    const openWith = (log: string, nowMs: number): Promise<ShareBook> =>
      ShareBook.open(new ShareRows(level), {
        self: SELF.hub,
        nowMs: () => nowMs,
        log,
        isCutShort: false,
        commit: async beside => void (await store.commit([{ do: 'beside', beside }])),
        onDamaged: () => undefined
      })
    const book = await openWith('log one', NOW_S * 1000)
    const before = book.own(SHARE)
    const row = {
      state: 'own',
      id: 'ab'.repeat(32),
      at: NOW_S,
      tenant: TENANT,
      topic: TOPIC,
      line: ''
    } as const
    await store.commit([
      { do: 'beside', beside: { bytes: 0, rows: () => book.settled(before, 1, row, BODY) } }
    ])

    // The clock was set back meanwhile.
    const restored = await openWith('log two', 5)
    const same = await openWith('log two', 7)

    assert.equal(restored.own(SHARE).series, before.series + 1)
    assert.equal(same.own(SHARE).series, before.series + 1)
    assert.deepEqual(
      restored.of(SHARE).map(({ stored }) => stored.last),
      [1, 0]
    )
  })

  void test('begins a later series when another hub has more of it, at most once a day', async () => {
    const { book, store } = await given()
    const own = book.own(SHARE)

    assert.equal(await book.surpassed(own, 5), true)
    assert.equal(await book.surpassed(book.own(SHARE), 5), false)
    assert.equal(await book.surpassed({ ...own, series: own.series + 10 ** 9 }, 5), false)

    assert.ok(book.own(SHARE).series > own.series)
    await store[Symbol.asyncDispose]()
  })

  void test('keeps as many series of one origin as there may be, and no more', async () => {
    const { book } = await given()
    const open = (series: number) => book.open({ share: SHARE, origin: HUB.hub, series }, WINDOW_S)

    for (let n = 1; n <= SHARES.series; n++) assert.ok(open(n))

    assert.equal(open(SHARES.series + 1), undefined)
  })
})

function statementOf({ line, body }: Item): SharedMessage {
  const text = Buffer.from(body).toString('utf8', 0, line)
  return (JSON.parse(text) as { statement: SharedMessage }).statement
}
