import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  type LinkStatement,
  delegate,
  delegationProblem,
  formatDelegation,
  parseDelegation
} from './delegation.ts'
import { publicBytes, signingKey } from './ed25519.ts'
import { hubId } from './hub-id.ts'

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
