import assert from 'node:assert/strict'
import { test } from 'node:test'
import { messageJson, messageText } from './message-text.ts'

const MESSAGE = { msg_id: 'id', priority: 4, attempt: 1 }
const CONTROL = /[\p{Cc}\p{Cf}]/u
/** A control sequence, one of a single byte of the upper half, a text that runs backwards, and a tag beyond 16 bits. */
const NASTY = '\u001b[2J \u009b2J \u202eabc \u{e0041} \n'

test('a body or attribute that would move the cursor is escaped for people', () => {
  const shown = messageText({ ...MESSAGE, body: Buffer.from(NASTY), attrs: { from: NASTY } })

  assert.doesNotMatch(shown.replaceAll('\n  ', ''), CONTROL)
})

test('and for scripts, which read the same', () => {
  const shown = messageJson({ ...MESSAGE, body: Buffer.from(NASTY), attrs: { from: NASTY } })

  assert.doesNotMatch(shown, CONTROL)
  assert.deepEqual(JSON.parse(shown), { ...MESSAGE, text: NASTY, attrs: { from: NASTY } })
})

test('a body that is no text is counted for people, and base64 for scripts', () => {
  const message = { ...MESSAGE, body: Buffer.from([0xff, 0x1b, 0x00]) }

  assert.equal(messageText(message), 'id  attempt 1  priority 4\n  (no text, 3 bytes)')
  assert.deepEqual(JSON.parse(messageJson(message)), { ...MESSAGE, base64: '/xsA' })
})
