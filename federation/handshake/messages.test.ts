import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { canonicalJson } from '../canonical.ts'
import type { CanonicalValue } from '../canonical.ts'
import { FACTS, hubOf, membersOfMessage, nonceOf, peerOf, run, twoHubs } from './handshake.fixture.ts'
import { readChallenge, readHello, readProof, writeMessage } from './messages.ts'
import { readForm } from '../form.ts'
import { MAX_ROWS, MAX_ROW_TOPICS, MAX_VERBS } from '../treaty-forms.ts'
import { TREATY_GRANT } from '../treaty-grant.ts'
import { HANDSHAKE } from './numbers.ts'

const RUNS = { numRuns: 2000 }
const { messages } = run(twoHubs())
const READERS = [readHello, readChallenge, readProof, readProof]
const good = messages.map(({ body }, n) => ({ body: Buffer.from(body), read: READERS[n]! }))

const written = (members: Record<string, unknown>): Uint8Array =>
  Buffer.from(canonicalJson(members as CanonicalValue))

/** Members and items, at any depth. */
const valuesIn = (value: unknown): number =>
  typeof value === 'object' && value !== null
    ? Object.values(value).reduce<number>((sum, one) => sum + 1 + valuesIn(one), 0)
    : 0

test('reads what it writes, and writes it as the same bytes', () => {
  for (const { body, read } of good) {
    assert.deepEqual(Buffer.from(writeMessage(read(body), HANDSHAKE.proofBytes)), body)
  }
})

test('takes members that it does not know', () => {
  for (const [n, { read }] of good.entries()) {
    assert.ok(read(written({ ...membersOfMessage(messages[n]!), later: [1, { x: null }] })))
  }
})

const others: readonly [member: string, value: unknown][] = [
  ['from', 'QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N'],
  ['from', `${peerOf('a')}1`],
  ['to', peerOf('b').replace('K', '0')],
  ['nonce', nonceOf('a').toUpperCase()],
  ['nonce', nonceOf('a').slice(2)],
  ['nonces', { initiator: nonceOf('a') }],
  ['boot', ''],
  ['federation', ''],
  ['federation', 'Main'],
  ['federation', 'm'.repeat(64)],
  ['must', ['b', 'a']],
  ['must', 'ab'],
  ['must', Array.from('123456789')],
  ['algs', []],
  ['algs', ['a', 'a']],
  ['alg', 'Ed25519'],
  ['versions', []],
  ['versions', [2, 1]],
  ['versions', [0]],
  ['version', 65_536],
  ['time', 0],
  ['time', '1'],
  ['delegation', null],
  ['delegation', { signature: '', statement: {} }],
  ['facts', []],
  ['facts', { ...FACTS, revocation_seq: -1 }],
  ['facts', { ...FACTS, treaty: [] }],
  ['facts', { ...FACTS, treaty: { ...FACTS.treaty, expires: 'never' } }],
  ['facts', { ...FACTS, manifest: 'x' }],
  ['facts', { ...FACTS, checkpoint: 'é'.repeat(2049) }],
  ['facts', { ...FACTS, treaty: { ...FACTS.treaty, more: 'x'.repeat(HANDSHAKE.grantBytes) } }],
  ['purpose', 'both'],
  ['role', 'middle']
]

for (const [member, value] of others) {
  test(`refuses ${member} ${JSON.stringify(value).slice(0, 60)} (${JSON.stringify(value).length})`, () => {
    const having = good.filter((_, n) => member in membersOfMessage(messages[n]!))
    assert.ok(having.length > 0 || member === 'must')

    for (const [n, { read }] of good.entries()) {
      const before = membersOfMessage(messages[n]!)
      if (!(member in before) && member !== 'must') continue
      assert.throws(() => read(written({ ...before, [member]: value })), SyntaxError)
    }
  })
}

test('refuses a message without any one of its members', () => {
  for (const [n, { read }] of good.entries()) {
    const members = membersOfMessage(messages[n]!)
    for (const member of Object.keys(members)) {
      const { [member]: _, ...rest } = members
      assert.throws(() => read(written(rest)), SyntaxError, member)
    }
  }
})

test('refuses facts in a pairing, and a delegation in the responder’s proof', () => {
  const [, , proof, answer] = messages.map(membersOfMessage)

  assert.throws(() => readProof(written({ ...proof, purpose: 'pair' })), /facts/)
  assert.throws(() => readProof(written({ ...answer, delegation: proof!['delegation'] })), /delegation/)
})

test('refuses a delegation for another role, and one whose hub id is none', () => {
  const proof = membersOfMessage(messages[2]!)
  const { signature, statement } = proof['delegation'] as { signature: string; statement: object }
  const with_ = (change: object) =>
    written({ ...proof, delegation: { signature, statement: { ...statement, ...change } } })

  assert.ok(readProof(with_({})))
  for (const change of [{ role: 'log' }, { hub: `${hubOf('a').slice(0, -1)}b` }, { epoch: 0 }, { more: 1 }])
    assert.throws(() => readProof(with_(change)), SyntaxError, JSON.stringify(change))
})

test('refuses a message that is not canonical, says a member twice or holds a fraction', () => {
  const text = good[0]!.body.toString()
  for (const wrong of [
    ` ${text}`,
    `${text}\n`,
    text.replace('{', '{"algs":["x"],'),
    text.replace('"time":', '"time":1.5,"x":'),
    text.replace('[1]', '[1.0]')
  ])
    assert.throws(() => readHello(Buffer.from(wrong)), SyntaxError, wrong.slice(0, 40))
})

test('takes a message of its most bytes, and none of one more', () => {
  const hello = membersOfMessage(messages[0]!)
  const bytes = good[0]!.body.length + '"x":"",'.length
  const padded = (n: number) => written({ ...hello, x: 'y'.repeat(n - bytes) })

  assert.equal(padded(HANDSHAKE.helloBytes).length, HANDSHAKE.helloBytes)
  assert.ok(readHello(padded(HANDSHAKE.helloBytes)))
  assert.throws(() => readHello(padded(HANDSHAKE.helloBytes + 1)), SyntaxError)
})

test('takes a message of its most values, and none of one more, which is told before all is read', () => {
  const proof = membersOfMessage(messages[2]!)
  const has = valuesIn(proof)
  const holding = (n: number) => written({ ...proof, zeros: Array(n - has - 1).fill(0) })
  const most = membersOfMessage({ ...messages[2]!, body: holding(HANDSHAKE.values) })

  assert.equal(valuesIn(most), HANDSHAKE.values)
  assert.ok(readProof(holding(HANDSHAKE.values)))
  assert.throws(() => readProof(holding(HANDSHAKE.values + 1)), /more than 4096 values/)
  // What would come after is not even JSON.
  assert.throws(() => readProof(Buffer.from(`{"a":[${'0,'.repeat(30_000)}`)), /more than 4096 values/)
})

test('the largest treaty that a hub may have fits into the values of a proof', () => {
  const verbs = Array.from({ length: MAX_VERBS }, (_, n) => `v${n}:call`)
  const topics = Array.from({ length: MAX_ROW_TOPICS }, (_, n) => `t/${n}`)
  const rows = Array.from({ length: MAX_ROWS }, (_, n) => ({
    share: { id: n.toString(16).padStart(32, '0'), name: `s${n}` },
    dir: 'both' as const,
    topics,
    relay: false
  }))
  const grant = { ...FACTS.treaty, rows, verbs }

  assert.ok('value' in readForm(TREATY_GRANT, grant))
  assert.ok(valuesIn(grant) < HANDSHAKE.values / 2, String(valuesIn(grant)))
})

test('writes nothing that is too long', () => {
  const proof = readProof(good[2]!.body)
  const facts = { ...FACTS, checkpoint: 'x'.repeat(HANDSHAKE.proofBytes) }

  assert.throws(() => writeMessage({ ...proof, facts }, HANDSHAKE.proofBytes), RangeError)
})

const edits = fc.array(fc.tuple(fc.nat(5000), fc.nat(255)), { maxLength: 3 })
const changed = fc
  .tuple(fc.constantFrom(...good), edits, fc.constantFrom(0, 0, 1))
  .map(([{ body, read }, changes, cut]) => {
    const bytes = Buffer.from(body)
    for (const [at, value] of changes) bytes[at % bytes.length] = value
    return { bytes: bytes.subarray(0, bytes.length - cut), read }
  })
const foreign = fc.record({
  bytes: fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.json().map(text => Buffer.from(text))
  ),
  read: fc.constantFrom(readHello, readChallenge, readProof)
})

test('answers hostile bytes with SyntaxError alone, and what it takes has no other form', () => {
  let taken = 0
  fc.assert(
    fc.property(fc.oneof(changed, foreign), ({ bytes, read }) => {
      try {
        read(bytes)
      } catch (error) {
        assert.ok(error instanceof SyntaxError, String(error))
        return
      }
      taken++
      const again = canonicalJson(JSON.parse(Buffer.from(bytes).toString()) as CanonicalValue)
      assert.equal(again, Buffer.from(bytes).toString())
    }),
    RUNS
  )
  assert.ok(taken > 100, `${taken} taken`)
})
