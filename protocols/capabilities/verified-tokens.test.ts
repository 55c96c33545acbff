import assert from 'node:assert/strict'
import test from 'node:test'
import { FIVE, bytesOf, crypto, minted, use, verifying } from './capability.fixture.ts'
import { refusalOf } from './judge.ts'
import { attenuate } from './mint.ts'
import { MAX_VERIFIED_MS, VerifiedTokens } from './verified-tokens.ts'
import type { VerifiedTokensOptions } from './verified-tokens.ts'

function counted(options: Partial<VerifiedTokensOptions> = {}) {
  const chains: number[] = []
  const keys = {
    current: 3,
    chainKey: (kid: number) => {
      chains.push(kid)
      return verifying.keys.chainKey(kid)
    }
  }
  return { tokens: new VerifiedTokens({ ...verifying, keys, ...options }), chains }
}

const copy = (n: number): Uint8Array =>
  bytesOf(attenuate(crypto, minted(FIVE), [{ key: 'max-bytes', value: n }]))

test('proves a token once, and again when it is 30 seconds old', () => {
  const { tokens, chains } = counted()
  const bytes = copy(1)

  const first = tokens.verify(bytes, 0)
  const second = tokens.verify(bytes.slice(), MAX_VERIFIED_MS - 1)
  const third = tokens.verify(bytes, MAX_VERIFIED_MS)

  assert.equal(second, first)
  assert.notEqual(third, first)
  assert.equal(chains.length, 2)
})

test('does not remember for longer because a token is used', () => {
  const { tokens, chains } = counted()

  for (let now = 0; now < 3 * MAX_VERIFIED_MS; now += 1000) tokens.verify(copy(1), now)

  assert.equal(chains.length, 3)
})

test('never remembers for longer than 30 seconds, whatever it is told', () => {
  const { tokens, chains } = counted({ maxAgeMs: 10 * MAX_VERIFIED_MS })

  tokens.verify(copy(1), 0)
  tokens.verify(copy(1), MAX_VERIFIED_MS)

  assert.equal(chains.length, 2)
})

test('forgets everything when it is flushed', () => {
  const { tokens, chains } = counted()

  tokens.verify(copy(1), 0)
  tokens.flush()
  tokens.verify(copy(1), 1)

  assert.equal(chains.length, 2)
})

test('remembers a fixed number, and forgets first what was used least lately', () => {
  const { tokens, chains } = counted({ capacity: 2 })

  for (const n of [1, 2, 1, 3]) tokens.verify(copy(n), 0)
  assert.equal(chains.length, 3)
  tokens.verify(copy(1), 0)
  assert.equal(chains.length, 3)
  tokens.verify(copy(2), 0)

  assert.equal(chains.length, 4)
  assert.equal(tokens.size, 2)
})

test('does not remember a token that was refused', () => {
  const { tokens, chains } = counted()
  const bytes = copy(1)
  bytes[bytes.length - 1]! ^= 1

  for (let i = 0; i < 3; i++) assert.throws(() => tokens.verify(bytes, 0), { code: 'cap_foreign' })
  assert.throws(() => tokens.verify(new Uint8Array(5000), 0), { reason: 'malformed' })

  assert.equal(chains.length, 3)
  assert.equal(tokens.size, 0)
})

test('a token that differs in one byte from one that it remembers is judged by itself', () => {
  const { tokens } = counted()
  const bytes = copy(1)
  tokens.verify(bytes, 0)

  for (let at = 0; at < bytes.length; at++) {
    const changed = bytes.slice()
    changed[at]! ^= 1
    assert.throws(() => tokens.verify(changed, 0), { name: 'OapError' })
  }
})

test('a token that is remembered is judged by its caveats for each call', () => {
  const { tokens, chains } = counted()
  const judge = (verb: string) => refusalOf(tokens.verify(bytesOf(minted(FIVE)), 0), { ...use, verb })?.reason

  assert.deepEqual(['mailbox:send', 'mailbox:purge', 'mailbox:send'].map(judge), [
    undefined,
    'verb',
    undefined
  ])
  assert.equal(chains.length, 1)
})
