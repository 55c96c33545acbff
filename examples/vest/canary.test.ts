import assert from 'node:assert/strict'
import { test } from 'node:test'
import { search } from './canary.ts'

const WORD = 'canary-7f3a9c51'

const hidden = (text: string | Uint8Array) => [{ name: 'a', bytes: Buffer.from(text) }]

for (const [form, text] of [
  ['as it is', `x${WORD}y`],
  ['in UTF-16', Buffer.from(`x${WORD}y`, 'utf16le')],
  ['in hex', Buffer.from(`x${WORD}`).toString('hex')],
  ['in capitals of hex', Buffer.from(`${WORD}y`).toString('hex').toUpperCase()],
  ...['', 'x', 'xy', 'xyz', 'ÿþ'].map(
    before =>
      [
        `in base 64 behind ${before.length} characters`,
        Buffer.from(`${before}${WORD}yz`).toString('base64')
      ] as const
  ),
  ['in base 64 for URLs', Buffer.from(`~?${WORD}`).toString('base64url')]
] as const)
  test(`a word is found ${form}`, () => {
    assert.deepEqual(search(WORD, hidden(text)).found, ['a'])
  })

test('what is not there is not found, and what was searched is counted', () => {
  assert.deepEqual(search(WORD, [...hidden('canary-7f3a9c5'), ...hidden('')]), {
    places: 2,
    bytes: 14,
    found: []
  })
})
