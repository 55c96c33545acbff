import assert from 'node:assert/strict'
import test from 'node:test'
import { OapError } from 'omnigate/protocols'
import { ConnectError } from 'omnigate/sdk'
import { explained } from './calls.ts'

for (const [code, alone] of [
  ['saturated', true],
  ['quota_tenant', true],
  ['deadline', true],
  ['slow_peer', true],
  ['upstream', false],
  ['internal', false],
  ['bad_sequence', false]
] as const) {
  test(`${code} is ${alone ? 'counted' : 'a fault'} unless a restart explains it`, () => {
    assert.equal(explained(new OapError(code), false), alone)
    assert.equal(explained(new OapError(code), true), true)
  })
}

test('a connection that fails is a fault unless a restart explains it', () => {
  const error = new ConnectError('unreachable', 'address', 'problem')

  assert.deepEqual([explained(error, false), explained(error, true)], [false, true])
})

test('an error of no code is a fault also in a restart', () => {
  assert.equal(explained(new Error('?'), true), false)
})
