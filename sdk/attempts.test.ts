import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { OapError } from '../protocols/index.ts'
import { attempts } from './attempts.ts'
import type { Attempt, AttemptsOptions } from './attempts.ts'
import { BusyError, CapabilityError, LinkError } from './errors.ts'
import { ManualTime } from './manual-time.fixture.ts'

const NEVER = new AbortController().signal
const lost = (): OapError => new OapError('upstream', 'gone', { reason: 'session_lost' })

/** Makes calls that fail as `failures` say, then succeed; passes time while they wait. */
async function made(
  failures: readonly (OapError | 'late')[],
  { time = new ManualTime(), ...options }: Partial<AttemptsOptions> & { readonly time?: ManualTime } = {}
) {
  const left = [...failures]
  const seen: Attempt[] = []
  const waits: number[] = []
  let isOver = false
  const making = attempts(
    {
      policy: {},
      signal: undefined,
      closing: NEVER,
      deadlineMs: undefined,
      isRepeatable: true,
      mend: async () => false,
      ...options,
      time
    },
    async attempt => {
      seen.push(attempt)
      attempt.onOpen(BigInt(seen.length))
      const failure = left.shift()
      if (failure !== undefined) throw failure
      return 'done'
    }
  ).finally(() => (isOver = true))
  const ending = making.then(
    value => ({ value, error: undefined }),
    (error: unknown) => ({ value: undefined, error })
  )
  for (let turns = 0; !isOver && turns < 100; turns++) {
    await turn()
    const [wait] = time.waiting
    if (wait === undefined) continue
    waits.push(wait)
    time.pass(wait)
  }
  return { ...(await ending), seen, waits }
}

test('makes a call again until it is answered', async () => {
  const { value, waits, seen } = await made([lost(), lost()])

  assert.equal(value, 'done')
  assert.deepEqual(waits, [25, 50])
  assert.equal(seen.length, 3)
})

test('a call whose body was begun is not made again, not even where the node refused it', async () => {
  const busy = new OapError('saturated', 'full', { retryAfterMs: 1000 })
  const mend = async (): Promise<boolean> => true

  const { error, seen, waits } = await made([busy], { isSpent: () => true, mend })

  assert.ok(error instanceof BusyError)
  assert.deepEqual([seen.length, waits], [1, []])
})

test('a call whose body waits still is made again', async () => {
  const { value } = await made([lost()], { isSpent: () => false })

  assert.equal(value, 'done')
})

test('the last failure comes in the class of its code, with the corr_id of its attempt', async () => {
  const { error } = await made([lost(), lost(), lost()])

  assert.ok(error instanceof LinkError)
  assert.ok(error instanceof OapError)
  assert.deepEqual(
    [error.code, error.reason, error.corrId, error.message],
    ['upstream', 'session_lost', 3n, 'gone']
  )
})

test('an error that the node named keeps its own corr_id, status and time', async () => {
  const refused = new OapError('mailbox_full', 'full', { corrId: 77n, retryAfterMs: 1500 })

  const { error, waits } = await made([refused, refused, refused])

  assert.ok(error instanceof BusyError)
  assert.deepEqual([error.corrId, error.status, error.retryAfterMs], [77n, 429, 1500])
  assert.deepEqual(waits, [1500, 1500])
})

test('one deadline is for all attempts', async () => {
  const busy = new OapError('saturated', 'full', { retryAfterMs: 1000 })

  const { value, error, seen } = await made([busy, busy], { deadlineMs: 1900 })

  assert.deepEqual(
    seen.map(({ deadlineMs }) => deadlineMs),
    [1900, 900]
  )
  assert.equal(value, undefined)
  assert.ok(error instanceof BusyError)
})

test('without a deadline no attempt has one', async () => {
  const { value, seen } = await made([lost(), lost()])

  assert.equal(value, 'done')
  assert.deepEqual(
    seen.map(({ deadlineMs }) => deadlineMs),
    [undefined, undefined, undefined]
  )
})

test('what is mended is made again at once, once', async () => {
  const refused = new OapError('cap_expired')
  let mends = 0
  const mend = async (): Promise<boolean> => ++mends > 0

  const { error, seen, waits } = await made([refused, refused], { mend, isRepeatable: false })

  assert.deepEqual([mends, seen.length, waits], [1, 2, []])
  assert.ok(error instanceof OapError)
})

test('an abort during a wait ends it with its reason', async () => {
  const stop = new AbortController()
  const time = new ManualTime()
  const reason = new Error('enough')
  const busy = new OapError('saturated', 'full', { retryAfterMs: 1000 })
  const making = attempts(
    {
      time,
      policy: {},
      signal: stop.signal,
      closing: NEVER,
      deadlineMs: undefined,
      isRepeatable: true,
      mend: async () => false
    },
    () => Promise.reject(busy)
  )
  await turn()

  stop.abort(reason)

  await assert.rejects(making, reason)
  assert.deepEqual(time.waiting, [])
})

test('a mending that takes longer than the deadline is not waited for: the refusal is thrown', async () => {
  const { error, seen } = await made([new OapError('cap_revoked')], {
    mend: () => new Promise(() => {}),
    deadlineMs: 500
  })

  assert.ok(error instanceof CapabilityError)
  assert.deepEqual(
    [error.name, error.code, error.corrId, seen.length],
    ['CapabilityError', 'cap_revoked', 1n, 1]
  )
})

for (const what of ['signal', 'closing'] as const) {
  test(`${what} ends a mending and a wait`, async () => {
    for (const failure of [
      new OapError('cap_revoked'),
      new OapError('saturated', 'full', { retryAfterMs: 1000 })
    ]) {
      const stop = new AbortController()
      const time = new ManualTime()
      const reason = new OapError('upstream', 'over', { reason: 'closed', retryable: false })
      const making = attempts(
        {
          time,
          policy: {},
          signal: undefined,
          closing: NEVER,
          deadlineMs: undefined,
          isRepeatable: true,
          mend: error =>
            error === failure && failure.status === 401 ? new Promise(() => {}) : Promise.resolve(false),
          [what]: stop.signal
        },
        () => Promise.reject(failure)
      )
      await turn()

      stop.abort(reason)

      await assert.rejects(making, error => {
        if (what === 'signal') assert.equal(error, reason)
        else assert.ok(error instanceof LinkError && error.reason === 'closed')
        return true
      })
      assert.deepEqual(time.waiting, [])
    }
  })
}
