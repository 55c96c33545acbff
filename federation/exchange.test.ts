import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { topicMatches } from '../protocols/index.ts'
import { emptyBook, learnDelegation, learnKeyRevocation, statementProblem } from './delegation-book.ts'
import type { DelegationBook } from './delegation-book.ts'
import { delegate } from './delegation.ts'
import { EXCHANGE } from './exchange-statement.ts'
import type { ExchangeStatement } from './exchange-statement.ts'
import { EXCHANGE_NUMBERS, addressProblem, exchangeRequest, exchangeTerms } from './exchange.ts'
import type { ExchangeUse, VerbWays } from './exchange.ts'
import { HUB, OTHER_HUB, keyOf } from './keys.fixture.ts'
import { revokeKey } from './key-revocation.ts'
import { formatSigned, parseSigned, signStatement } from './statement.ts'
import { LEAST_TREATY } from './treaty.ts'
import type { Treaty } from './treaty.ts'
import { ROW, SHARE, TENANT, treaties } from './treaty.fixture.ts'

const NOW = 1_795_000_000
const NODE = keyOf(3)
const AGENT = keyOf(4)
const WAYS: VerbWays = new Map([
  ['mailbox:send', 'in'],
  ['mailbox:recv', 'out']
])
const STATEMENT: ExchangeStatement = {
  at: NOW,
  audience: OTHER_HUB.hub,
  cap_id: 'ab'.repeat(16),
  epoch: 1,
  expires: NOW + 600,
  hub: HUB.hub,
  key: NODE.hex,
  kid: 1,
  nonce: 'cd'.repeat(16),
  peer: AGENT.peerId,
  share: SHARE.id,
  topics: ['dispatch/a'],
  verbs: ['mailbox:send']
}
const TREATY: Treaty = { ...LEAST_TREATY, rows: [ROW], verbs: ['mailbox:recv', 'mailbox:send'] }
const use: ExchangeUse = {
  treaty: TREATY,
  ways: WAYS,
  isTenant: () => true,
  self: OTHER_HUB.hub,
  nowS: NOW
}

const link = delegate(HUB.key, {
  epoch: 1,
  hub: HUB.hub,
  node: 'main',
  not_after: NOW + 1000,
  not_before: NOW - 1000,
  peer_id: NODE.peerId,
  role: 'link'
})

function bookWith(book: DelegationBook = emptyBook(HUB.hub)): DelegationBook {
  const learned = learnDelegation(book, link)
  assert.equal(learned.verdict, 'new')
  return (learned as { readonly book: DelegationBook }).book
}

describe('a statement for an exchange', () => {
  const signed = signStatement(EXCHANGE, NODE.key, STATEMENT)

  test('is the word of the hub when the key of its link signed it, and of nobody else', () => {
    const other = signStatement(EXCHANGE, AGENT.key, STATEMENT)

    assert.equal(statementProblem(bookWith(), EXCHANGE, signed, NOW), undefined)
    assert.equal(statementProblem(bookWith(), EXCHANGE, other, NOW), 'signature')
    assert.equal(statementProblem(emptyBook(HUB.hub), EXCHANGE, signed, NOW), 'key')
    assert.equal(statementProblem(emptyBook(OTHER_HUB.hub), EXCHANGE, signed, NOW), 'hub')
    const late = signStatement(EXCHANGE, NODE.key, { ...STATEMENT, at: NOW + 1001 })
    assert.equal(statementProblem(bookWith(), EXCHANGE, late, NOW), 'time')
    const gone = revokeKey(HUB.key, { at: NOW, hub: HUB.hub, key: NODE.hex, reason: '' })
    const learned = learnKeyRevocation(bookWith(), gone, NOW)
    assert.equal(learned.verdict, 'new')
    assert.equal(
      statementProblem((learned as { readonly book: DelegationBook }).book, EXCHANGE, signed, NOW),
      'revoked'
    )
  })

  test('has one line, and every member is bounded', () => {
    const whole = { ...STATEMENT, apps: [0x0201], max_bytes: 1, rate: 5, read_only: true, streams: 1 }
    for (const statement of [STATEMENT, { ...whole, subject: 'agent-7' }]) {
      const line = formatSigned(signStatement(EXCHANGE, NODE.key, statement))
      assert.deepEqual(parseSigned(EXCHANGE, line).statement, statement)
    }

    const wrong: readonly object[] = [
      { topics: [] },
      { verbs: [] },
      { topics: ['b', 'a'] },
      { topics: ['a', 'a'] },
      { verbs: ['mailbox:send', 'mailbox:recv'] },
      { topics: Array.from({ length: 17 }, (_, n) => `t${n + 10}`) },
      { verbs: ['mailbox'] },
      { topics: ['a*'] },
      { kid: 0 },
      { share: 'aa' },
      { nonce: 'cd' },
      { peer: '' },
      { at: 0 },
      { rate: 0 },
      { apps: [0x1_0000] },
      { subject: '' },
      { audience: 'h1' },
      { tenant: TENANT }
    ]
    for (const members of wrong) {
      const line = formatSigned(signStatement(EXCHANGE, NODE.key, { ...STATEMENT, ...members }))
      assert.throws(() => parseSigned(EXCHANGE, line), SyntaxError, JSON.stringify(members))
    }
  })
})

describe('whether a statement is for this hub and moment', () => {
  const problem = (change: Partial<ExchangeStatement>) => addressProblem({ ...STATEMENT, ...change }, use)

  test('names the audience, the clock, and the end', () => {
    assert.equal(problem({}), undefined)
    assert.equal(problem({ audience: HUB.hub }), 'audience')
    assert.equal(problem({ at: NOW - 60 }), undefined)
    assert.equal(problem({ at: NOW - 61 }), 'clock')
    assert.equal(problem({ at: NOW + 61 }), 'clock')
    assert.equal(problem({ expires: NOW }), 'expires')
    assert.equal(problem({ expires: NOW + 1 }), undefined)
  })
})

describe('the terms of a token for a statement', () => {
  const terms = (change: Partial<ExchangeStatement>, treaty: Partial<Treaty> = {}) =>
    exchangeTerms({ ...STATEMENT, ...change }, { ...use, treaty: { ...TREATY, ...treaty } })

  test('are what statement and treaty both allow, for the tenant of the share, for a quarter of an hour at most', () => {
    assert.deepEqual(terms({}), {
      tenant: TENANT,
      verbs: ['mailbox:send'],
      topics: ['dispatch/a'],
      expires: NOW + 600
    })
    assert.deepEqual(terms({ expires: NOW + 5000, topics: ['**', 'dispatch/*'] }), {
      tenant: TENANT,
      verbs: ['mailbox:send'],
      topics: ['dispatch/**'],
      expires: NOW + EXCHANGE_NUMBERS.mostS
    })
    assert.equal((terms({}, { expires: NOW + 5 }) as { readonly expires: number }).expires, NOW + 5)
  })

  test('are refused by name where one of the two allows nothing', () => {
    assert.equal(terms({}, { expires: NOW }), 'expires')
    assert.equal(terms({ share: 'bb'.repeat(16) }), 'share')
    assert.equal(terms({ verbs: ['echo:call'] }, { verbs: ['echo:call'] }), 'verb')
    assert.equal(terms({}, { verbs: ['mailbox:recv'] }), 'verb')
    assert.equal(terms({}, { rows: [{ ...ROW, dir: 'out' }] }), 'dir')
    assert.equal(terms({ verbs: ['mailbox:recv', 'mailbox:send'] }, { rows: [{ ...ROW, dir: 'in' }] }), 'dir')
    assert.equal(terms({ topics: ['elsewhere/a'] }), 'topic')
    assert.equal(exchangeTerms(STATEMENT, { ...use, isTenant: () => false }), 'tenant')
  })

  test('never allow more than both', () => {
    const topic = fc.constantFrom('a', 'b', 'a/b', 'a/a', 'b/a/b', 'a/b/b')
    const patterns = fc.uniqueArray(fc.constantFrom('a', 'a/*', '**', '*/b', 'b/**', 'a/b/**'), {
      minLength: 1,
      maxLength: 3
    })
    fc.assert(
      fc.property(treaties, patterns, topic, fc.nat(2), (treaty, topics, called, n) => {
        const share = treaty.rows[n]?.share.id ?? SHARE.id
        const found = exchangeTerms({ ...STATEMENT, share, topics }, { ...use, treaty })
        if (typeof found === 'string') return
        const row = treaty.rows.find(({ share: { id } }) => id === share)!
        const allows = (all: readonly string[]) => all.some(pattern => topicMatches(pattern, called))

        assert.equal(allows(found.topics), allows(topics) && allows(row.topics))
        assert.ok(treaty.verbs.includes('mailbox:send') && row.dir !== 'out')
        assert.ok(found.expires <= Math.min(NOW + 900, treaty.expires ?? Infinity))
      }),
      { numRuns: 2000 }
    )
  })
})

describe('what a hub asks for in the name of an agent', () => {
  const right = { tenant: TENANT, verbs: [['mailbox:send', 'echo:call']], topics: [['dispatch/**', 'x']] }
  const ask = (
    wish: Partial<Parameters<typeof exchangeRequest>[0]> = {},
    treaty: Partial<Treaty> = {},
    changed: Partial<typeof right> = {}
  ) =>
    exchangeRequest(
      { verbs: ['mailbox:send'], ...wish },
      { ...right, ...changed },
      { ways: WAYS, treaty: { ...TREATY, ...treaty } }
    )

  test('is of a share of the tenant of the agent, and no wider than its token', () => {
    assert.deepEqual(ask(), { share: SHARE.id, topics: ['dispatch/**'] })
    assert.deepEqual(ask({ topics: ['dispatch/a', 'else'] }), { share: SHARE.id, topics: ['dispatch/a'] })
    assert.deepEqual(ask({}, {}, { topics: [] }), { share: SHARE.id, topics: ['dispatch/**'] })
    assert.deepEqual(ask({}, {}, { topics: [['dispatch/*'], ['*/b']] }), {
      share: SHARE.id,
      topics: ['dispatch/b']
    })
  })

  test('is refused by name', () => {
    assert.equal(ask({ verbs: ['mailbox:recv'] }), 'verb')
    assert.equal(ask({ verbs: ['echo:call'] }), 'verb')
    assert.equal(ask({}, {}, { tenant: '6e5a8a06-1111-4222-8333-955555555555' }), 'share')
    assert.equal(ask({ share: 'bb'.repeat(16) }), 'share')
    assert.equal(ask({}, { rows: [{ ...ROW, dir: 'in' }] }), 'dir')
    assert.equal(ask({ topics: ['else'] }), 'topic')
    const second = { ...ROW, share: { id: 'bb'.repeat(16), name: 'second' } }
    assert.equal(ask({}, { rows: [ROW, second] }), 'share')
    assert.deepEqual(ask({ share: second.share.id }, { rows: [ROW, second] }), {
      share: second.share.id,
      topics: ['dispatch/**']
    })
  })
})
