import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  ANNOUNCEMENT,
  delegate,
  emptyBook,
  formatSigned,
  learnDelegation,
  openAnnounced,
  parseSigned,
  sealAnnounced,
  signStatement
} from '../../federation/index.ts'
import type { Announced, Announcement, SharedMessage } from '../../federation/index.ts'
import { signer } from '../peer-keys/signers.fixture.ts'
import { Announcing, MOST_WAITING } from './announcing.ts'
import { Hearing } from './hearing.ts'

const NOW_S = 1_795_000_000
const HUB = signer(1)
const KEY = signer(61)
const SHARE = '5f1d09c4a7e24be08c3a6d2f90b1e7c8'
const ANNOUNCED: Announced = { series: 1_794_000_000_000, number: 7, id: 'ab'.repeat(32), bytes: 5 }
const FRIEND = 'peer of a friend'

const BOOK = (() => {
  const { hub, key } = HUB
  const times = { not_before: NOW_S - 10_000, not_after: NOW_S + 10_000 }
  const statement = { hub, node: 'core', role: 'message', key: KEY.hex, ...times, epoch: 1 } as const
  const learned = learnDelegation(emptyBook(hub), delegate(key, statement))
  assert.ok(learned.verdict === 'new')
  return learned.book
})()

const SIGNER = {
  hub: HUB.hub,
  node: 'core',
  key: KEY.key,
  publicKey: KEY.hex,
  epoch: 1,
  notBefore: NOW_S - 10_000,
  notAfter: NOW_S + 10_000
}

function line(more: Partial<Announcement> = {}, nonce = 7): Uint8Array {
  const sealed = sealAnnounced({ share: SHARE, hub: HUB.hub }, ANNOUNCED, Buffer.alloc(12, nonce))
  const statement = { at: NOW_S, epoch: 1, hub: HUB.hub, key: KEY.hex, sealed, ...more }
  return Buffer.from(formatSigned(signStatement(ANNOUNCEMENT, KEY.key, statement)))
}

function hearing(shares: readonly string[] = [SHARE], here?: Promise<void>) {
  const heard: Announced[] = []
  const refused: string[] = []
  const judge = new Hearing({
    self: signer(9).hub,
    agreements: { isAllowed: hub => hub === HUB.hub, sharesFrom: () => shares },
    keysOf: () => BOOK,
    refusals: { refuse: (_hub, why) => void refused.push(why) },
    now: () => ({ ms: 0, s: NOW_S }),
    hubOf: peer => (peer === 'stranger' ? undefined : peer),
    announced: (_name, announced, from) => {
      assert.equal(from, FRIEND)
      heard.push(announced)
      return here
    }
  })
  return { judge, heard, refused }
}

void describe('an announcement', () => {
  void test('is passed on and read by a hub of the share, and passed on unread by another', () => {
    const member = hearing()
    const other = hearing(['0'.repeat(32)])

    assert.equal(member.judge.hear(FRIEND, line()), 'accept')
    assert.equal(other.judge.hear(FRIEND, line()), 'accept')

    assert.deepEqual(member.heard, [ANNOUNCED])
    assert.deepEqual(other.heard, [])
  })

  void test('of a message that is being fetched is passed on once that is here', async () => {
    const here = Promise.withResolvers<void>()
    const { judge, heard } = hearing([SHARE], here.promise)
    let verdict: string | undefined
    const judged = Promise.resolve(judge.hear(FRIEND, line())).then(is => (verdict = is))
    await new Promise(setImmediate)
    assert.deepEqual([verdict, heard], [undefined, [ANNOUNCED]])

    here.resolve()
    await judged

    assert.equal(verdict, 'accept')
  })

  const wrong: Readonly<Record<string, readonly [Uint8Array, string, string?]>> = {
    'that is no JSON': [Buffer.from('{'), 'reject', 'announcement'],
    'that is too long': [Buffer.alloc(1025, 0x20), 'reject', 'announcement'],
    'with a changed time': [
      Buffer.from(
        Buffer.from(line())
          .toString()
          .replace(String(NOW_S), String(NOW_S - 1))
      ),
      'reject',
      'announcement'
    ],
    'of a hub that is not allowed': [line({ hub: signer(5).hub }), 'ignore'],
    'of a key that is not known': [line({ epoch: 2 }), 'ignore', 'key'],
    'from ahead': [line({ at: NOW_S + 61 }), 'ignore', 'clock'],
    'of long ago': [line({ at: NOW_S - 601 }), 'ignore', 'stale']
  }
  for (const [what, [data, verdict, why]] of Object.entries(wrong)) {
    void test(`${what}: ${verdict}, and nothing comes of it`, () => {
      const { judge, heard, refused } = hearing()

      assert.equal(judge.hear(FRIEND, data), verdict)

      assert.deepEqual(heard, [])
      assert.deepEqual(refused, why === undefined ? [] : [why])
    })
  }

  void test('of a flood is passed over unread, and those of other peers are heard', () => {
    const { judge, refused } = hearing()
    const junk = Buffer.from('{')
    for (let n = 0; n < 2000; n++) void judge.hear('flooder', junk)

    assert.equal(refused.length, 500)
    assert.equal(judge.hear('flooder', line()), 'ignore')
    assert.equal(judge.hear(FRIEND, line()), 'accept')
    assert.equal(judge.hear('stranger', line()), 'ignore')
  })
})

void describe('what this hub announces', () => {
  const numbered = (share: string, number: number) => ({
    statement: { share, number, series: 1, bytes: 5 } as SharedMessage,
    id: 'ab'.repeat(32)
  })
  const idOf = (n: number): string => n.toString(16).padStart(32, '0')

  function announcing() {
    const published: Uint8Array[] = []
    const later: (() => void)[] = []
    const clock = { ms: 0 }
    let dropped = 0
    const one = new Announcing({
      signer: () => SIGNER,
      nowMs: () => NOW_S * 1000,
      ms: () => clock.ms,
      publish: () => async data => published.push(data),
      after: (_ms, run) => later.push(run),
      dropped: () => dropped++
    })
    const turn = async (): Promise<void> => {
      await new Promise(setImmediate)
      later.shift()?.()
      await new Promise(setImmediate)
    }
    return { one, published, turn, clock, dropped: () => dropped }
  }

  void test('is the newest of each share, one announcement for all that came meanwhile', async () => {
    const { one, published, turn } = announcing()

    for (let number = 1; number <= 100; number++) one.add([numbered(SHARE, number)])
    await turn()

    const numbers = published.map(data => {
      const { statement } = parseSigned(ANNOUNCEMENT, Buffer.from(data).toString())
      return openAnnounced(SHARE, statement)?.number
    })
    assert.deepEqual(numbers, [1, 100])
  })

  void test('goes out at once for a few, and four times a second where a share goes on', async () => {
    const { one, published, turn, clock } = announcing()
    for (let number = 1; number <= 200; number++) {
      one.add([numbered(SHARE, number)])
      await turn()
      clock.ms += 20
    }

    assert.equal(published.length, 8 + 4 * 4 - 1)
  })

  void test('finds no room beyond a bound, and is dropped and counted', async () => {
    const { one, dropped } = announcing()
    one.add([numbered(SHARE, 1)])

    for (let n = 1; n <= MOST_WAITING + 3; n++) one.add([numbered(idOf(n), 1)])

    assert.equal(one.waiting, MOST_WAITING)
    assert.equal(dropped(), 3)
  })
})
