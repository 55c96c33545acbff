import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { OapError } from '../../protocols/index.ts'
import type { Capabilities } from '../capabilities/index.ts'
import { newsIn } from './news-text.ts'
import { HOME, NOW_S, capIdOf, endOf, revoker } from './news.fixture.ts'
import type { RevocationNews } from './following.ts'
import { Telling } from './telling.ts'
import type { ToldLink } from './telling.ts'

const AT_ONCE = 32
const key = revoker(1)

/** A hub with a list, and another that it tells. */
function telling({
  isHeard = true,
  answer
}: {
  readonly isHeard?: boolean
  /** What it says instead of up to where it follows, by how many calls it has heard. */
  readonly answer?: (calls: number) => number
} = {}) {
  const list = key.revoke(Array.from({ length: 70 }, (_, n) => ({ cap_id: capIdOf(n + 1) })))
  let length = 70
  const heard: RevocationNews[] = []
  const later: { readonly ms: number; readonly run: () => void }[] = []
  let follows = 0
  let failing: OapError | undefined
  let isRoom = true
  const capabilities = {
    get revocationSeq() {
      return length
    },
    revocationsFrom: (from: number) => ({
      seq: length,
      statements: list.slice(from, Math.min(length, from + AT_ONCE)),
      delegations: [key.delegation]
    }),
    revocationHead: () => key.headAt(endOf(list.slice(0, length)), NOW_S)
  } as Pick<Capabilities, 'revocationsFrom' | 'revocationHead' | 'revocationSeq'>
  const link = {
    hub: HOME,
    caller: {
      client: () => ({
        revoked: async ({ body }: { readonly body: Uint8Array }) => {
          if (failing !== undefined) throw failing
          const news = newsIn(body)
          heard.push(news)
          if (answer !== undefined) return { seq: answer(heard.length) }
          const last = news.statements.at(-1)?.statement.seq
          if (last !== undefined && isRoom && news.statements[0]!.statement.seq <= follows + 1) follows = last
          return { seq: follows }
        }
      })
    }
  } as unknown as ToldLink
  const teller = new Telling({
    capabilities,
    isHeard: () => isHeard,
    failed: (_hub, error) => (error as OapError).code !== 'cap_denied',
    after: (ms, run) => void later.push({ ms, run })
  })
  return {
    teller,
    link,
    heard,
    later,
    follows: () => follows,
    fail: (error: OapError | undefined) => void (failing = error),
    forget: () => void (follows = 0),
    noRoom: () => void (isRoom = false),
    shorten: (to: number) => void (length = to),
    settled: async () => {
      for (let turn = 0; turn < 50; turn++) await Promise.resolve()
    }
  }
}

describe('telling a linked hub what is revoked', () => {
  test('begins where the other hub is, and goes on until it has all', async () => {
    const hub = telling()

    hub.teller.up(hub.link)
    await hub.settled()

    assert.deepEqual(
      hub.heard.map(({ statements }) => statements.length),
      [0, 32, 32, 6]
    )
    assert.equal(hub.follows(), 70)
    assert.equal(hub.heard.at(-1)?.head?.statement.seq, 70)
  })

  test('says only what is new, and the head alone where nothing is', async () => {
    const hub = telling()
    hub.shorten(69)
    hub.teller.up(hub.link)
    await hub.settled()
    hub.heard.length = 0

    hub.teller.tellAll()
    await hub.settled()
    hub.shorten(70)
    hub.teller.tellAll()
    await hub.settled()

    assert.deepEqual(
      hub.heard.map(({ statements }) => statements.map(({ statement }) => statement.seq)),
      [[], [70]]
    )
  })

  test('begins anew with a hub that goes back, and stops with one that takes no more', async () => {
    const hub = telling()
    hub.teller.up(hub.link)
    await hub.settled()
    hub.heard.length = 0
    hub.forget()

    hub.teller.tellAll()
    await hub.settled()
    assert.deepEqual(
      hub.heard.map(({ statements }) => statements.length),
      [0, 32, 32, 6]
    )

    hub.heard.length = 0
    hub.forget()
    hub.noRoom()
    hub.teller.tellAll()
    await hub.settled()
    assert.deepEqual(
      hub.heard.map(({ statements }) => statements.length),
      [0, 32]
    )
  })

  for (const { what, answer, calls } of [
    { what: 'goes back and forth', answer: (n: number) => n % 2, calls: 4 },
    { what: 'follows by one with each call', answer: (n: number) => n, calls: 6 },
    { what: 'goes back with each call', answer: (n: number) => 60 - n, calls: 3 }
  ])
    test(`leaves a hub that ${what} until the next time, after ${calls} calls`, async () => {
      const hub = telling({ answer })

      hub.teller.up(hub.link)
      for (let turn = 0; turn < 10; turn++) await hub.settled()

      assert.equal(hub.heard.length, calls)
    })

  test('tries again, later each time, and not where the answer will be the same', async () => {
    const hub = telling()
    hub.fail(new OapError('cap_missing'))
    hub.teller.up(hub.link)
    await hub.settled()
    hub.later.at(-1)?.run()
    await hub.settled()
    assert.deepEqual(
      hub.later.map(({ ms }) => ms),
      [100, 200]
    )
    hub.fail(undefined)
    hub.later.at(-1)?.run()
    await hub.settled()
    assert.equal(hub.follows(), 70)

    hub.fail(new OapError('cap_denied'))
    hub.teller.tellAll()
    await hub.settled()
    assert.equal(hub.later.length, 2)
  })

  test('says nothing to a hub that does not want to hear, nor once the link is down', async () => {
    const deaf = telling({ isHeard: false })
    deaf.teller.up(deaf.link)
    await deaf.settled()
    assert.deepEqual(deaf.heard, [])

    const gone = telling()
    gone.fail(new OapError('upstream'))
    gone.teller.up(gone.link)
    await gone.settled()
    gone.teller.down(gone.link)
    gone.fail(undefined)
    gone.later.at(-1)?.run()
    gone.teller.tellAll()
    await gone.settled()
    assert.deepEqual(gone.heard, [])
  })
})
