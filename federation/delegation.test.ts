import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  type Delegation,
  type DelegationStatement,
  type LinkStatement,
  ROLES,
  type Role,
  authorityProblem,
  delegate,
  delegatedKey,
  delegationProblem,
  formatDelegation,
  parseDelegation
} from './delegation.ts'
import { publicBytes, signingKey } from './ed25519.ts'
import { hubId } from './hub-id.ts'
import { keyOf } from './keys.fixture.ts'

const KEY = signingKey(Uint8Array.from({ length: 32 }, (_, i) => i))
const STATEMENT: LinkStatement = {
  hub: hubId(publicBytes(KEY)),
  node: 'node1',
  role: 'link',
  peer_id: '12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN',
  not_before: 1000,
  not_after: 2000,
  epoch: 1
}
const DELEGATION = delegate(KEY, STATEMENT)

test('reads back what it writes', () => {
  const text = formatDelegation(DELEGATION)

  assert.equal(formatDelegation(parseDelegation(text)), text)
  assert.equal(delegationProblem(parseDelegation(text), 1500), undefined)
})

test('is the same bytes in every implementation', () => {
  assert.equal(
    Buffer.from(DELEGATION.signature).toString('hex'),
    '4bf3974ff01bb8de106ca9cc275591505f100d6f64998a106b2a92a942604e6c4380ceb951103e310b7bc8c29b35b091982f5cd560aa90bebd4addefff4d7f06'
  )
})

test('holds from not_before to not_after, with a minute of skew', () => {
  const held = [939, 940, 2060, 2061].map(now => delegationProblem(DELEGATION, now) === undefined)

  assert.deepEqual(held, [false, true, true, false])
  assert.match(delegationProblem(DELEGATION, 3000) ?? '', /expired at 1970-01-01T00:33:20/)
})

test('does not hold with any field changed', () => {
  const changes: readonly Partial<LinkStatement>[] = [
    { node: 'node2' },
    { peer_id: '12D3KooWother' },
    { not_before: 1 },
    { not_after: 9999 },
    { epoch: 2 },
    { hub: hubId(publicBytes(signingKey(new Uint8Array(32)))) }
  ]
  for (const change of changes) {
    const changed = { ...DELEGATION, statement: { ...STATEMENT, ...change } }
    assert.match(delegationProblem(changed, 1500) ?? '', /not signed by hub/)
  }
})

test('does not hold with another signature, nor another hub’s, once the right one was verified', () => {
  assert.equal(authorityProblem(DELEGATION), undefined)
  const signatures = [
    DELEGATION.signature.with(0, DELEGATION.signature[0]! ^ 1),
    DELEGATION.signature.subarray(0, 63),
    new Uint8Array([...DELEGATION.signature, 0]),
    delegate(signingKey(new Uint8Array(32)), STATEMENT).signature
  ]
  for (const signature of signatures)
    assert.match(authorityProblem({ ...DELEGATION, signature }) ?? '', /not signed by hub/)

  assert.equal(authorityProblem(DELEGATION), undefined)
})

test('refuses every text that is not the one canonical form', () => {
  const text = formatDelegation(DELEGATION)
  const wrong = [
    text.trimEnd(),
    ` ${text}`,
    text.replace('"epoch":1', '"epoch":1,"epoch":1'),
    text.replace('"epoch":1', '"epoch":1.0'),
    text.replace('"epoch":1', '"epoch":0'),
    text.replace('"epoch":1', '"epoch":1,"extra":1'),
    text.replace('"link"', '"log"'),
    text.replace('==', '='),
    text.padEnd(5000)
  ]
  for (const candidate of wrong) {
    assert.notEqual(candidate, text)
    assert.throws(() => parseDelegation(candidate), SyntaxError)
  }
})

test('answers hostile text with SyntaxError only', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), text => {
      assert.throws(() => parseDelegation(text), SyntaxError)
    })
  )
})

const SIGNER = keyOf(7)
const { peer_id: _, ...REST } = STATEMENT
const statementOf = (role: Role): DelegationStatement =>
  role === 'link' ? STATEMENT : { ...REST, role, key: SIGNER.hex }

for (const role of ROLES) {
  test(`reads back a delegation of the role ${role}, as that role and no other`, () => {
    const delegation = delegate(KEY, statementOf(role))
    const text = formatDelegation(delegation)

    assert.deepEqual(parseDelegation(text, role).statement, delegation.statement)
    assert.equal(authorityProblem(parseDelegation(text, role)), undefined)
    for (const other of ROLES.filter(name => name !== role))
      assert.throws(() => parseDelegation(text, other), { name: 'SyntaxError', message: /^role: expected/ })
  })
}

const FORMLESS: readonly (readonly [string, unknown])[] = [
  ['an unknown role', { ...REST, role: 'admin', key: SIGNER.hex }],
  ['no role', { ...REST, role: null, key: SIGNER.hex }],
  ['a peer where a key belongs', { ...STATEMENT, role: 'log' }],
  ['a key where a peer belongs', { ...REST, key: SIGNER.hex }],
  ['a key in upper case', { ...REST, role: 'log', key: SIGNER.hex.toUpperCase() }],
  [
    'a place in a list that is no list of revocations',
    { ...REST, role: 'log', key: SIGNER.hex, after: { digest: SIGNER.hex, seq: 1 } }
  ],
  ['a hub id with a weak key', { ...STATEMENT, hub: `h1${'a'.repeat(52)}` }],
  ['a node name with a dot', { ...STATEMENT, node: 'node.1' }],
  ['a time that is no date', { ...STATEMENT, not_after: 8_640_000_000_001 }]
]

for (const [what, statement] of FORMLESS) {
  test(`refuses ${what}`, () => {
    const text = formatDelegation({ ...DELEGATION, statement } as unknown as Delegation)

    for (const role of ROLES) assert.throws(() => parseDelegation(text, role), SyntaxError)
  })
}

test('is no word for a key under which anybody could sign', () => {
  const weak = delegate(KEY, { ...REST, role: 'log', key: '00'.repeat(32) })
  const strange = delegate(KEY, { ...STATEMENT, peer_id: 'QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N' })

  assert.match(authorityProblem(weak) ?? '', /its key is not a usable/)
  assert.match(authorityProblem(strange) ?? '', /its peer_id is not a usable/)
})

test('the key of a peer id is read from the one form of that id', () => {
  assert.deepEqual(delegatedKey({ ...STATEMENT, peer_id: SIGNER.peerId }), SIGNER.bytes)
  for (const peer_id of ['k51qzi5uqu5dlvj2baxnqndepeb86cbk3ng7n3i46uzyxzyqj2xjonzllnv0v8', '1', 'Qm', 'x'])
    assert.equal(delegatedKey({ ...STATEMENT, peer_id }), undefined)
})
