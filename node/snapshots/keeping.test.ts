import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SNAPSHOTS } from '../../federation/index.ts'
import { validFor } from './keeping.ts'

test('a snapshot outlives the next ones, and is never good for longer than one may be', () => {
  assert.equal(validFor(60), 86_400)
  assert.equal(validFor(86_400), 3 * 86_400)
  // As often as the configuration allows at least.
  assert.equal(validFor(527_040 * 60), SNAPSHOTS.mostValidS)
})
