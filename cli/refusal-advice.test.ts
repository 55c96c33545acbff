import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ERRORS } from '../protocols/index.ts'
import { refusalAdvice } from './refusal-advice.ts'

test('every refusal of a capability has a way out', () => {
  const codes = Object.keys(ERRORS).filter(code => code.startsWith('cap_'))

  assert.equal(codes.length, 5)
  for (const code of codes) assert.ok(refusalAdvice({ code }), code)
})

test('names the restriction that refused', () => {
  assert.match(refusalAdvice({ code: 'cap_denied', reason: 'peer' })!, /^refused by peer; .*--key/)
  assert.match(refusalAdvice({ code: 'cap_denied', reason: 'topic' })!, /^refused by topic; .*cap inspect/)
  assert.match(refusalAdvice({ code: 'cap_denied', reason: 'share' })!, /^refused by share; .*treaty show/)
  assert.match(refusalAdvice({ code: 'cap_expired', reason: 'kid' })!, /^refused by kid; ask the operator/)
  assert.match(refusalAdvice({ code: 'cap_revoked', reason: 'head' })!, /^refused by head; .*try again/)
  assert.match(refusalAdvice({ code: 'cap_revoked', reason: 'treaty' })!, /cap exchange$/)
  assert.match(refusalAdvice({ code: 'cap_revoked', reason: 'cap_id' })!, /does not come back/)
})

test('says nothing of other errors', () => {
  assert.equal(refusalAdvice({ code: 'saturated' }), undefined)
  assert.equal(refusalAdvice({ code: 'toString' }), undefined)
})
