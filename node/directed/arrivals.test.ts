import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { TestContext } from 'node:test'
import { DIRECTED_RECEIPT, isFinalRefusal, parseSigned } from '../../federation/index.ts'
import type { DirectedRefusal, Treaty } from '../../federation/index.ts'
import { OapError } from '../../protocols/index.ts'
import { testMailbox } from '../mailbox/mailbox.fixture.ts'
import type { Acceptance, DeliverReleased, Taken } from '../policy/index.ts'
import { Arrivals } from './arrivals.ts'
import { NOW_S, TENANT, TOPIC, TREATY, messageFrom, testHub } from './hub.fixture.ts'

const [origin, self, other] = [testHub(10), testHub(20), testHub(30)]
const PLACE = { tenant: TENANT, topic: TOPIC }

describe('a message that comes', () => {
  test('is stored with its receipt in one step', async t => {
    const { arrivals, stored, came } = await given(t)

    const receipt = await arrivals.take(messageFrom(origin, self.hub))

    const { state, hub, origin: from } = parseSigned(DIRECTED_RECEIPT, receipt).statement
    assert.deepEqual([state, hub, from], ['stored', self.hub, origin.hub])
    assert.deepEqual(await stored(), ['a passenger'])
    assert.deepEqual(came, ['stored'])
  })

  test('again, also at the same time and after all has changed, gets the same receipt and is stored once', async t => {
    const { arrivals, stored, came, change } = await given(t)
    const message = messageFrom(origin, self.hub)

    const both = await Promise.all([arrivals.take(message), arrivals.take(message)])
    change({ treaty: undefined, nowS: NOW_S + 7000 })
    const later = await arrivals.take(message)

    assert.deepEqual(new Set([...both, later]).size, 1)
    assert.deepEqual(await stored(), ['a passenger'])
    assert.deepEqual(came, ['stored', 'repeated', 'repeated'])
  })

  test('is known until an hour after it has expired, and then refused as expired', async t => {
    const { arrivals, stored, change } = await given(t)
    const message = messageFrom(origin, self.hub)
    const first = await arrivals.take(message)

    change({ nowS: NOW_S + 3600 + 3600 })
    await arrivals.forget()
    assert.equal(await arrivals.take(message), first)
    change({ nowS: NOW_S + 3600 + 3601 })
    await arrivals.forget()

    assert.equal(await codeOf(arrivals.take(message)), 'expired')
    assert.deepEqual(await stored(), ['a passenger'])
  })

  test('is refused by name, and nothing of it stored', async t => {
    const { arrivals, stored, refused, change } = await given(t)
    const from = (change: Parameters<typeof messageFrom>[2]) => messageFrom(origin, self.hub, change)
    const good = from({})
    const wrong: Readonly<Record<string, ReturnType<typeof messageFrom>>> = {
      malformed: { ...good, line: good.line.slice(1) },
      oversize: { ...good, line: good.line.padEnd(28_673) },
      wrong_recipient: messageFrom(origin, other.hub),
      wrong_origin: messageFrom(other, self.hub, {}),
      not_shared: from({ topic: 'elsewhere' }),
      future: from({ at: NOW_S + 61 }),
      stale: from({ at: NOW_S - TREATY.window_s - 1 }),
      expired: from({ at: NOW_S - 60, expires: NOW_S }),
      body_mismatch: { ...good, body: Buffer.from('another') },
      unknown_key: from({ epoch: 2 }),
      key_time: from({ at: NOW_S - 86_401 }),
      bad_signature: { ...good, line: good.line.replace(/"signature":"./, '"signature":"/') }
    }
    for (const [code, message] of Object.entries(wrong))
      assert.equal(await codeOf(arrivals.take({ ...message, origin: origin.hub })), code)
    change({ isTenant: false })
    assert.equal(await codeOf(arrivals.take(good)), 'not_shared')

    assert.deepEqual(await stored(), [])
    assert.deepEqual(refused, [...Object.keys(wrong), 'not_shared'])
  })

  test('that finds no room may come again', async t => {
    const { arrivals, stored, mailbox } = await given(t, { depth: 1 })
    await arrivals.take(messageFrom(origin, self.hub, { text: 'first' }))
    const second = messageFrom(origin, self.hub, { text: 'second' })
    assert.equal(await codeOf(arrivals.take(second)), 'mailbox_full')

    const [first] = await mailbox.read(PLACE, { limit: 1 })
    await mailbox.commit([{ do: 'remove', place: first! }])
    await arrivals.take(second)

    assert.deepEqual(await stored(), ['second'])
  })
})

test('a message that comes when its treaty has just ended may come again', async t => {
  const { arrivals, stored, change } = await given(t)
  const message = messageFrom(origin, self.hub)

  change({ treaty: undefined })
  const code = await codeOf(arrivals.take(message))
  change({ treaty: TREATY })
  await arrivals.take(message)

  assert.deepEqual([code, isFinalRefusal(code)], ['not_allowlisted', false])
  assert.deepEqual(await stored(), ['a passenger'])
})

describe('the acceptance policy', () => {
  test('that rejects has nothing stored, and the sender told why', async t => {
    const { arrivals, stored, refused } = await given(t, { verdict: { verdict: 'reject', reasons: ['x'] } })

    assert.equal(await codeOf(arrivals.take(messageFrom(origin, self.hub))), 'policy')

    assert.deepEqual(await stored(), [])
    assert.deepEqual(refused, ['policy'])
  })

  const passing: Readonly<Record<string, string>> = {
    too_many_rejections: 'too_many_rejections',
    origin_quarantined: 'cap_denied',
    treaty_expired: 'not_allowlisted'
  }
  for (const [reason, code] of Object.entries(passing))
    test(`that decides nothing for ${reason} has the sender come again`, async t => {
      const { arrivals, stored, refused } = await given(t, {
        verdict: { verdict: 'reject', reasons: [reason], retryAfterMs: 800 }
      })

      assert.equal(await codeOf(arrivals.take(messageFrom(origin, self.hub))), code)

      assert.equal(isFinalRefusal(code), false)
      assert.deepEqual([await stored(), refused], [[], []])
    })

  test('that has no room in its quarantine has the sender come again', async t => {
    const full = { verdict: 'reject', reasons: ['quarantine_full'], retryAfterMs: 2000 } as const
    const { arrivals } = await given(t, { verdict: full })

    await assert.rejects(arrivals.take(messageFrom(origin, self.hub)), {
      code: 'quarantine_full',
      status: 429,
      retryAfterMs: 2000
    })
  })

  test('that quarantines is said in the receipt, and what an operator releases is delivered once', async t => {
    const { arrivals, stored, release } = await given(t, { verdict: { verdict: 'quarantine', reasons: [] } })
    const message = messageFrom(origin, self.hub)
    const receipt = await arrivals.take(message)
    assert.equal(parseSigned(DIRECTED_RECEIPT, receipt).statement.state, 'quarantined')
    assert.deepEqual(await stored(), [])

    await Promise.all([release(message), release(message)])
    await release(message)

    assert.deepEqual(await stored(), ['a passenger'])
    assert.equal(await arrivals.take(message), receipt)
  })
})

interface World {
  treaty: Treaty | undefined
  nowS: number
  isTenant: boolean
}

async function given(
  t: TestContext,
  { verdict = { verdict: 'accept', reasons: [] }, depth = 100 }: { verdict?: Taken; depth?: number } = {}
) {
  const box = await testMailbox(t, { rules: [{ pattern: '**', rule: { depth } }] })
  const world: World = { treaty: TREATY, nowS: NOW_S, isTenant: true }
  const came: string[] = []
  const refused: DirectedRefusal[] = []
  let deliver: DeliverReleased = async () => undefined
  const acceptance: Acceptance = {
    take: async () => verdict,
    onRelease: (_kind, run) => void (deliver = run)
  }
  const arrivals = new Arrivals({
    self: self.hub,
    mailbox: () => box.mailbox,
    treatyOf: () => world.treaty,
    isTenant: () => world.isTenant,
    bookOf: () => origin.book,
    signers: self,
    acceptance,
    seconds: () => world.nowS,
    came: what => void came.push(what),
    refused: async (_hub, code) => void refused.push(code)
  })
  return {
    arrivals,
    came,
    refused,
    mailbox: box.store,
    change: (change: Partial<World>) => void Object.assign(world, change),
    release: ({ line, body }: ReturnType<typeof messageFrom>) =>
      deliver({
        evidence: {
          kind: 'mailbox.directed',
          origin: origin.hub,
          share: '',
          id: '',
          type: 'mailbox.message',
          bytes: body.length
        },
        statement: Buffer.from(line),
        body
      }),
    stored: async () =>
      (await box.store.read(PLACE, { limit: 100 })).map(({ body }) => Buffer.from(body).toString())
  }
}

const codeOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'none',
    (error: unknown) => {
      if (!(error instanceof OapError)) throw error
      return error.code
    }
  )
