import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { OapError } from '../../protocols/index.ts'
import { newsBytes, newsIn } from './news-text.ts'
import { NOW_S, capIdOf, endOf, revoker } from './news.fixture.ts'

const key = revoker(1)
const list = key.revoke(Array.from({ length: 33 }, (_, n) => ({ cap_id: capIdOf(n + 1) })))
const news = {
  delegations: [key.delegation],
  statements: list.slice(0, 32),
  head: key.headAt(endOf(list), NOW_S)
}

const valueOf = (bytes: Uint8Array): unknown => JSON.parse(Buffer.from(bytes).toString())

test('what is said of revocations is read as it was written', () => {
  for (const each of [news, { ...news, statements: [] }, { ...news, head: undefined }]) {
    const read = newsIn(newsBytes(each))

    assert.deepEqual(valueOf(newsBytes(read)), valueOf(newsBytes(each)))
  }
})

test('what has another form, or is too much, is bad_request', () => {
  const refused = { code: 'bad_request' }
  const edit = (change: object) =>
    Buffer.from(JSON.stringify({ ...JSON.parse(Buffer.from(newsBytes(news)).toString()), ...change }))

  assert.throws(() => newsIn(newsBytes({ ...news, statements: list })), refused)
  assert.throws(() => newsIn(edit({ delegations: Array(9).fill({}) })), refused)
  assert.throws(() => newsIn(edit({ head: {} })), refused)
  assert.throws(() => newsIn(edit({ statements: [{}] })), refused)
  assert.throws(() => newsIn(edit({ more: 1 })), refused)
  assert.throws(() => newsIn(edit({ statements: undefined })), refused)
  assert.throws(() => newsIn(Buffer.alloc(65_537, ' ')), OapError)
})

test('hostile bytes only ever throw an OapError', () => {
  const good = newsBytes({ ...news, statements: list.slice(0, 1) })
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 4 }), edits => {
      const bytes = good.slice()
      for (const [at, value] of edits) bytes[at] = value
      try {
        newsIn(bytes)
      } catch (error) {
        assert.ok(error instanceof OapError, String(error))
      }
    }),
    { numRuns: 1000 }
  )
})
