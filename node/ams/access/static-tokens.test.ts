import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { SetupError } from '../../setup-error.ts'
import { MAX_TOKEN_CHARACTERS } from './presented-token.ts'
import { MAX_STATIC_TOKENS, StaticTokens, staticToken } from './static-tokens.ts'

const TEXT = 'write-token-of-at-least-32-bytes-1'

test('finds a token by its text and keeps no more of it than its SHA-256', () => {
  const tokens = new StaticTokens([
    staticToken('bot', 'write', TEXT),
    staticToken('operator', 'admin', `${TEXT}x`)
  ])

  assert.equal(tokens.find(TEXT)?.name, 'bot')
  assert.equal(tokens.find(`${TEXT}x`)?.role, 'admin')
  assert.deepEqual(tokens.list[0], {
    name: 'bot',
    role: 'write',
    sha256: createHash('sha256').update(TEXT).digest('hex'),
    bytes: 34
  })
  assert.doesNotMatch(JSON.stringify(tokens), /write-token/)
})

test('finds none by a part of it, by more than it, by its digest, or among none', () => {
  const token = staticToken('bot', 'write', TEXT)
  const tokens = new StaticTokens([token])

  for (const text of ['', TEXT.slice(0, -1), `${TEXT} `, TEXT.toUpperCase(), token.sha256, 'bot', '\0'])
    assert.equal(tokens.find(text), undefined, text)
  assert.equal(new StaticTokens([]).find(TEXT), undefined)
})

const BAD_TEXTS = ['', ' ', 'two words', 'line\nbreak', 'ümlaut', 'a'.repeat(MAX_TOKEN_CHARACTERS + 1)]

for (const text of BAD_TEXTS) {
  test(`a text that no header can carry is refused without being shown: ${JSON.stringify(text.slice(0, 12))}`, () => {
    assert.throws(
      () => staticToken('bot', 'write', text),
      (error: unknown) =>
        error instanceof SetupError &&
        error.message.startsWith('token "bot": must be 1 to') &&
        (text.trim() === '' || !error.message.includes(text))
    )
  })
}

for (const name of ['', 'A', '-x', 'a b', 'anonymous', 'cap:0', 'a'.repeat(65)]) {
  test(`no token has the name ${JSON.stringify(name.slice(0, 12))}`, () => {
    assert.throws(() => staticToken(name, 'read', TEXT), SetupError)
  })
}

test('two of one name, one text under two names, a digest that is none, and too many are refused', () => {
  const bot = staticToken('bot', 'write', TEXT)
  const many = Array.from({ length: MAX_STATIC_TOKENS + 1 }, (_, n) => staticToken(`t${n}`, 'read', `${n}`))

  assert.throws(() => new StaticTokens([bot, staticToken('bot', 'read', 'other')]), /"bot": is there twice/)
  assert.throws(() => new StaticTokens([bot, staticToken('b2', 'admin', TEXT)]), /"b2": has the text of bot/)
  assert.throws(() => new StaticTokens([{ ...bot, sha256: 'ff' }]), /64 hex digits/)
  assert.throws(() => new StaticTokens(many), /257 tokens, at most 256/)
})
