import assert from 'node:assert/strict'
import test from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { OapError, encodeToken, mint, plainMacaroonCrypto } from '../protocols/index.ts'
import type { Caveat } from '../protocols/index.ts'
import { CapabilityHolder } from './capability-holder.ts'
import type { HolderOptions, Renewed } from './capability-holder.ts'
import { ManualTime } from './manual-time.fixture.ts'

const START_S = 1_800_000_000
const TTL_S = 900
const LIFE_MS = TTL_S * 1000
const HOUR_S = 3600
const HOUR_MS = HOUR_S * 1000
const BEHIND_S = 600
const PEER = '12D3KooWGRUVh6wVnT6uyUCKmvLmTq7HGyrTHPFMFMVNWXQtSPrJ'
const REFUSED = new OapError('cap_expired', 'over')
const crypto = plainMacaroonCrypto()

/** A token of a hub, by the hub's clock. */
function token(iat: number, expires: number): Uint8Array {
  const caveats: Caveat[] = [
    { key: 'peer', value: PEER },
    { key: 'renew-until', value: START_S + 1000 * HOUR_S },
    { key: 'expires', value: expires }
  ]
  const identifier = { capId: '00'.repeat(16), kid: 1, tenant: '01020304-0506-0708-090a-0b0c0d0e0f10', iat }
  const key = new Uint8Array(32)
  return encodeToken({
    macaroon: mint(crypto, { hub: `h1${'a'.repeat(52)}`, key, ...identifier, caveats }),
    discharges: []
  })
}

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url')

/** A holder whose clock is ahead of the hub's by `aheadS`; `renew` and `refresh` are told the hub's seconds. */
function setting({
  aheadS = 0,
  cap = token(START_S, START_S + TTL_S),
  renew = () => Promise.reject(new Error('not asked for')),
  refresh,
  onFailure
}: {
  readonly aheadS?: number
  readonly cap?: Uint8Array | undefined
  readonly renew?: (hubS: number) => Promise<Renewed>
  readonly refresh?: (hubS: number) => Uint8Array | string
  readonly onFailure?: () => unknown
}) {
  const time = new ManualTime((START_S + aheadS) * 1000)
  const hubS = (): number => START_S + Math.floor(time.now() / 1000)
  const asked: number[] = []
  const failures: unknown[] = []
  const noted = <T>(bring: (hubS: number) => T): T => {
    asked.push(time.now())
    return bring(hubS())
  }
  const options: HolderOptions = {
    cap,
    renew: () => noted(renew),
    refresh: refresh && (() => noted(refresh)),
    time,
    deadlineMs: 1000,
    onFailure: error => {
      failures.push(error)
      return onFailure?.()
    }
  }
  return { holder: new CapabilityHolder(options), time, asked, failures, hubS }
}

/** Lets `ms` pass, second by second. */
async function pass(time: ManualTime, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 1000) {
    time.pass(Math.min(1000, ms - passed))
    await turn()
  }
}

const gaps = (asked: readonly number[]): number[] => asked.slice(1).map((at, n) => at - asked[n]!)

/** A hub that renews by the spec, and says its time. */
const honest = async (hubS: number): Promise<Renewed> => ({
  cap: token(START_S, hubS + TTL_S),
  now: hubS * 1000
})

/** The same of a hub that is older than `now`. */
const silent = async (hubS: number): Promise<Renewed> => ({ ...(await honest(hubS)), now: undefined })

for (const [what, lastsS] of [
  ['is over already', -1],
  ['is over at once', 1]
] as const) {
  test(`a hub whose new token ${what} is asked less and less`, async () => {
    const renew = async (hubS: number): Promise<Renewed> => ({
      cap: token(START_S, hubS + lastsS),
      now: hubS * 1000
    })
    const { holder, time, asked } = setting({ renew })
    await holder.start()

    await pass(time, (LIFE_MS * 2) / 3 + 600_000)

    const waits = gaps(asked)
    assert.ok(asked.length >= 10 && asked.length <= 25, `${asked.length}`)
    assert.ok(waits.every(ms => ms >= 1000) && waits.at(-1)! >= 30_000, String(waits))
  })
}

for (const [what, refresh] of [
  ['the same token, which is over', () => token(START_S, START_S + TTL_S)],
  ['one that is over', (hubS: number) => token(hubS - TTL_S, hubS - 1)]
] as const) {
  test(`a refresh that brings ${what} is asked less and less`, async () => {
    const { holder, time, asked } = setting({ refresh })
    await holder.start()

    await pass(time, LIFE_MS + 600_000)

    const waits = gaps(asked)
    assert.ok(asked.length >= 10 && asked.length <= 30, `${asked.length}`)
    assert.ok(waits.every(ms => ms >= 1000) && waits.at(-1)! >= 30_000, String(waits))
  })
}

for (const aheadS of [HOUR_S, TTL_S - 5, BEHIND_S, 0, -BEHIND_S, -HOUR_S, -1000 * HOUR_S]) {
  test(`a clock that is ahead of the hub's by ${aheadS} s changes nothing once the hub said its own`, async () => {
    const { holder, time, asked, failures } = setting({ aheadS, renew: honest })
    await holder.start()

    await pass(time, HOUR_MS)

    // Each renewal comes at two thirds of life, but the first may come too soon: until then the hub's time is unknown.
    const [, ...later] = gaps(asked)
    assert.ok(asked[0]! <= (LIFE_MS * 2) / 3, `${asked[0]}`)
    assert.ok(
      later.every(ms => Math.abs(ms - (LIFE_MS * 2) / 3) <= 2000),
      String(later)
    )
    assert.ok(asked.length >= 5 && asked.length <= 8 && failures.length === 0)
  })
}

test('a clock that is ahead of a hub that does not say its own asks less and less', async () => {
  const { holder, time, asked } = setting({ aheadS: HOUR_S, renew: silent })
  await holder.start()

  await pass(time, 600_000)

  assert.ok(asked.length >= 10 && asked.length <= 25, `${asked.length}`)
})

test('a renewal that fails is tried again after a second, then less often, for as long as it takes', async () => {
  const { holder, time, asked, failures } = setting({
    renew: () => Promise.reject(new OapError('upstream', 'no network'))
  })
  await holder.start()

  await pass(time, LIFE_MS + HOUR_MS)

  const waits = gaps(asked)
  assert.equal(asked[0], (LIFE_MS * 2) / 3)
  assert.ok(waits[0]! >= 1000 && waits[0]! <= 2000 && waits.at(-1)! >= 30_000, String(waits))
  assert.ok(asked.length >= 60 && asked.length <= 150, `${asked.length}`)
  assert.equal(failures.length, asked.length)
})

for (const [what, onFailure] of [
  [
    'throws',
    () => {
      throw new Error('no room in the log')
    }
  ],
  ['rejects', () => Promise.reject(new Error('no room in the log'))]
] as const) {
  test(`who is told of a failure and ${what} ends neither the process nor the renewal`, async () => {
    const { holder, time, asked, failures } = setting({
      renew: () => Promise.reject(new OapError('upstream', 'no network')),
      onFailure
    })
    await holder.start()

    await pass(time, LIFE_MS)

    assert.ok(asked.length >= 5, `${asked.length}`)
    assert.equal(failures.length, asked.length)
  })
}

test('who closes when told of a failure is asked for nothing more', async () => {
  const { holder, time, asked } = setting({
    renew: () => Promise.reject(new OapError('upstream', 'no network')),
    onFailure: () => holder.stop()
  })
  await holder.start()

  await pass(time, LIFE_MS)

  assert.equal(asked.length, 1)
})

for (const [what, error] of [
  ['never', new OapError('cap_denied', 'not to be renewed')],
  ['no more after its end', new OapError('cap_expired', 'over')]
] as const) {
  test(`what the hub renews ${what} is not asked for for ever`, async () => {
    const { holder, time, asked } = setting({ renew: () => Promise.reject(error) })
    await holder.start()

    await pass(time, LIFE_MS + HOUR_MS)

    assert.ok(asked.length >= 1 && asked.at(-1)! <= LIFE_MS + 60_000, String(asked))
  })
}

test('calls that are refused do not ask for the same token again at once', async () => {
  const same = textOf(token(START_S, START_S + TTL_S))
  const { holder, time, asked } = setting({ refresh: () => same })
  await holder.start()

  for (let call = 0; call < 100; call++) assert.equal(await holder.mend(REFUSED, holder.cap), false)
  assert.equal(asked.length, 1)

  time.pass(2000)
  await holder.mend(REFUSED, holder.cap)
  assert.equal(asked.length, 2)
})

test('calls that are refused do not ask again at once where refresh failed', async () => {
  const { holder, asked, failures } = setting({
    refresh: () => {
      throw new Error('not now')
    }
  })
  await holder.start()

  for (let call = 0; call < 100; call++) assert.equal(await holder.mend(REFUSED, holder.cap), false)

  assert.deepEqual([asked.length, failures.length], [1, 1])
})

test('who has patience asks once more where refresh just failed', async () => {
  let asking = 0
  const { holder, time } = setting({
    refresh: hubS => {
      if (asking++ === 0) throw new Error('not now')
      return token(hubS, hubS + 2 * TTL_S)
    }
  })
  await holder.start()
  await holder.mend(REFUSED, holder.cap)

  const mended = holder.mend(REFUSED, holder.cap, new AbortController().signal)
  time.pass(2000)

  assert.equal(await mended, true)
})

test('who has patience asks three times and no more', async () => {
  const { holder, time, asked } = setting({ refresh: () => token(START_S, START_S + TTL_S) })
  await holder.start()

  const mended = holder.mend(REFUSED, holder.cap, new AbortController().signal)
  await pass(time, 60_000)

  assert.equal(await mended, false)
  const waits = gaps(asked)
  assert.ok(asked.length === 3 && waits[0]! >= 1000 && waits[1]! >= 2000, String(asked))
})

test('patience ends with its signal', async () => {
  const { holder, asked } = setting({ refresh: () => token(START_S, START_S + TTL_S) })
  await holder.start()
  const leaving = new AbortController()

  const mended = holder.mend(REFUSED, holder.cap, leaving.signal)
  await turn()
  leaving.abort()

  assert.equal(await mended, false)
  assert.equal(asked.length, 1)
})

test('each token that is refused is replaced at once where refresh brings another', async () => {
  let minted = 0
  const { holder, asked } = setting({ refresh: hubS => token(hubS, hubS + TTL_S + ++minted) })
  await holder.start()

  for (let call = 0; call < 10; call++) assert.equal(await holder.mend(REFUSED, holder.cap), true)

  assert.equal(asked.length, 10)
})

test('a token as text may end with a line', async () => {
  const { holder } = setting({
    refresh: hubS => `${textOf(token(hubS, hubS + 2 * TTL_S))}\n`
  })
  const before = holder.cap
  await holder.start()

  assert.equal(await holder.mend(REFUSED, before), true)
})

test('a clock that is set back does not put a renewal off', async () => {
  const cap = token(START_S, START_S + 6 * HOUR_S)
  const { holder, time, asked } = setting({ cap, renew: honest })
  await holder.start()
  time.setBack(10 * HOUR_MS)

  await pass(time, 4 * HOUR_MS)

  assert.deepEqual(asked, [4 * HOUR_MS])
})

test('a clock that was behind and is set right has refresh asked no more than before', async () => {
  const { holder, time, asked } = setting({
    aheadS: -HOUR_S,
    refresh: hubS => token(hubS, hubS + TTL_S)
  })
  await holder.start()
  await pass(time, 60_000)
  time.setBack(-HOUR_MS)

  await pass(time, HOUR_MS)

  assert.ok(asked.length >= 5 && asked.length <= 7, `${asked.length}`)
})

test("a hub's clock that was ahead and is set right has refresh asked no more than before", async () => {
  const { holder, time, asked } = setting({
    cap: token(START_S + HOUR_S, START_S + HOUR_S + TTL_S),
    refresh: hubS => token(hubS, hubS + TTL_S)
  })
  await holder.start()

  await pass(time, HOUR_MS)

  assert.ok(asked.length >= 5 && asked.length <= 7, `${asked.length}`)
})

test('a clock that is set back does not put renewals off at a hub that does not say its own', async () => {
  const { holder, time, asked } = setting({ renew: silent })
  await holder.start()
  await pass(time, 60_000)
  time.setBack(HOUR_MS)

  await pass(time, HOUR_MS)

  assert.ok(asked.length >= 5 && asked.length <= 7, `${asked.length}`)
})

test('a token that keeps the time of its minting does not make the clock of the hub go back', async () => {
  const { holder, time, asked } = setting({
    aheadS: -HOUR_S,
    refresh: hubS => token(START_S, hubS + TTL_S)
  })
  await holder.start()

  await pass(time, HOUR_MS)

  assert.ok(asked.length >= 5 && asked.length <= 7, `${asked.length}`)
})
