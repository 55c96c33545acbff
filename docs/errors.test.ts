import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { ERRORS } from '../protocols/index.ts'
import { parseReasons } from '../specs/index.ts'
import { errorsPage, writtenPage } from './errors.ts'

test('docs/errors.md is what npm run docs:errors writes', () => {
  assert.equal(writtenPage(), errorsPage())
})

test('the errors of the code are the reasons of the specification, in its order', () => {
  const spec = readFileSync(new URL('../specs/oap-1.md', import.meta.url), 'utf8')
  const coded = Object.entries(ERRORS).map(([reason, { status, retryable, blame, message }]) => ({
    reason,
    status,
    retryable,
    blame,
    meaning: message
  }))

  assert.deepEqual(coded, parseReasons(spec))
})
