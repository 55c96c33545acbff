import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { hubId, publicBytes, signingKey } from '../../federation/index.ts'
import {
  delegateKey,
  formatKeyDelegation,
  keyDelegationProblem,
  parseKeyDelegation
} from './key-delegation.ts'
import type { KeyStatement } from './key-delegation.ts'
import {
  EMPTY_LIST,
  formatRevocation,
  headOf,
  parseRevocation,
  revocationProblem,
  signRevocation
} from './revocation-statement.ts'
import type { RevocationStatement, Revoked } from './revocation-statement.ts'

const HUB_KEY = signingKey(Uint8Array.from({ length: 32 }, (_, i) => i))
const KEY = signingKey(new Uint8Array(32).fill(7))
const HUB = hubId(publicBytes(HUB_KEY))
const DELEGATED: KeyStatement = {
  epoch: 1,
  hub: HUB,
  key: Buffer.from(publicBytes(KEY)).toString('hex'),
  node: 'node1',
  not_after: 3000,
  not_before: 1000,
  role: 'revocation'
}
const DELEGATION = delegateKey(HUB_KEY, DELEGATED)
const FIRST: RevocationStatement = {
  at: 2000,
  epoch: 1,
  hub: HUB,
  key: DELEGATED.key,
  prev: EMPTY_LIST.digest,
  reason: 'laptop lost',
  revoke: { cap_id: 'ab'.repeat(16) },
  seq: 1
}

const PLAIN = { noNullPrototype: true }
const revoke: fc.Arbitrary<Revoked> = fc.oneof(
  fc.record({ cap_id: fc.stringMatching(/^[0-9a-f]{32}$/) }, PLAIN),
  fc.record({ kid: fc.integer({ min: 1, max: 0xffff_ffff }) }, PLAIN),
  fc.record({ subject: fc.stringMatching(/^[!-~]{1,128}$/) }, PLAIN)
)

test('reads back what it writes, whatever is revoked and why', () => {
  const reason = fc
    .string({ unit: 'grapheme', maxLength: 60 })
    .filter(text => !/\p{Cc}/u.test(text) && Buffer.byteLength(text) <= 256)
  fc.assert(
    fc.property(revoke, reason, fc.nat(), (thing, why, at) => {
      const signed = signRevocation(KEY, { ...FIRST, revoke: thing, reason: why, at })
      const line = formatRevocation(signed)
      const read = parseRevocation(line)

      assert.deepEqual(read.statement, signed.statement)
      assert.equal(formatRevocation(read), line)
    })
  )
})

test('a follower takes statements in their order, each after the one that it names', () => {
  const first = signRevocation(KEY, FIRST)
  const head = headOf(1, formatRevocation(first))
  const second = signRevocation(KEY, { ...FIRST, seq: 2, prev: head.digest, revoke: { kid: 3 } })

  assert.equal(revocationProblem(first, EMPTY_LIST, DELEGATION), undefined)
  assert.equal(revocationProblem(second, head, DELEGATION), undefined)
  assert.match(revocationProblem(second, EMPTY_LIST, DELEGATION) ?? '', /2 where 1 was expected/)
  assert.match(
    revocationProblem(second, { ...head, digest: 'ab'.repeat(32) }, DELEGATION) ?? '',
    /follows another one/
  )
})

test('a follower refuses a statement with any member changed', () => {
  const first = signRevocation(KEY, FIRST)
  const changes: readonly Partial<RevocationStatement>[] = [
    { at: 2001 },
    { reason: '' },
    { revoke: { kid: 1 } },
    { revoke: { cap_id: 'ac'.repeat(16) } },
    { seq: 2 },
    { prev: 'ab'.repeat(32) },
    { epoch: 2 },
    { key: '00'.repeat(32) },
    { hub: hubId(publicBytes(KEY)) }
  ]
  for (const change of changes) {
    const changed = { ...first, statement: { ...FIRST, ...change } }
    assert.notEqual(revocationProblem(changed, EMPTY_LIST, DELEGATION), undefined, JSON.stringify(change))
  }
})

test('a statement counts only within the time of its delegation', () => {
  for (const [at, counts] of [
    [999, false],
    [1000, true],
    [3000, true],
    [3001, false]
  ] as const) {
    const problem = revocationProblem(signRevocation(KEY, { ...FIRST, at }), EMPTY_LIST, DELEGATION)
    assert.equal(problem === undefined, counts, String(at))
  }
})

test('a delegation is the word of the hub that it names, for one key and one role', () => {
  const text = formatKeyDelegation(DELEGATION)

  assert.equal(keyDelegationProblem(parseKeyDelegation(text)), undefined)
  for (const change of [
    { key: '11'.repeat(32) },
    { epoch: 2 },
    { not_after: 4000 },
    { hub: hubId(publicBytes(KEY)) }
  ]) {
    const changed = { ...DELEGATION, statement: { ...DELEGATED, ...change } }
    assert.match(keyDelegationProblem(changed) ?? '', /not signed by hub/)
  }
  const weak = delegateKey(HUB_KEY, { ...DELEGATED, key: '00'.repeat(32) })
  assert.match(keyDelegationProblem(weak) ?? '', /not a usable/)
  for (const wrong of [
    text.trim(),
    ` ${text}`,
    text.replace('"revocation"', '"log"'),
    text.replace('"epoch":1', '"epoch":1.0')
  ])
    assert.throws(() => parseKeyDelegation(wrong), SyntaxError)
})

test('refuses every text that is not the one form of a statement', () => {
  const line = formatRevocation(signRevocation(KEY, FIRST))
  const wrong = [
    `${line}\n`,
    ` ${line}`,
    line.replace('"seq":1', '"seq":1,"seq":1'),
    line.replace('"seq":1', '"seq":0'),
    line.replace('"seq":1', '"seq":1,"x":1'),
    line.replace('"cap_id"', '"peer"'),
    line.replace('"revoke":{', '"revoke":{"kid":1,'),
    line.replace('laptop', 'lap\\ntop'),
    line.replace('laptop', '\\u006captop'),
    line.replace('laptop', 'l'.repeat(257)),
    line.replace('==', '='),
    line.replace(/"revoke":\{[^}]*\}/, '"revoke":{}'),
    line.replace(/"revoke":\{[^}]*\}/, '"revoke":null'),
    line.padEnd(5000)
  ]
  for (const candidate of wrong) {
    assert.notEqual(candidate, line)
    assert.throws(() => parseRevocation(candidate), SyntaxError, candidate)
  }
})

test('answers hostile text with SyntaxError only', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json(),
        fc.json().map(statement => `{"signature":"","statement":${statement}}`)
      ),
      text => {
        assert.throws(() => parseRevocation(text), SyntaxError)
        assert.throws(() => parseKeyDelegation(text), SyntaxError)
      }
    )
  )
})

test('refuses as such a signature that is no text, in a statement and in a delegation', () => {
  const signature = { toString: 1, valueOf: 1 }

  assert.throws(() => parseRevocation(JSON.stringify({ signature, statement: FIRST })), SyntaxError)
  assert.throws(() => parseKeyDelegation(JSON.stringify({ signature, statement: DELEGATED })), SyntaxError)
})
