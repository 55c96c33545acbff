import assert from 'node:assert/strict'
import test from 'node:test'
import { integer, optional } from './fields.ts'
import { header, headerAndBody } from './service.ts'

for (const name of ['op', 'deadline_ms', 'credit', 'trace']) {
  test(`refuses a service that gives ${name} a meaning of its own`, () => {
    const fields = { [name]: optional(integer(0, 9)) }

    assert.throws(() => header(fields), RangeError)
    assert.throws(() => headerAndBody(fields), RangeError)
  })
}
