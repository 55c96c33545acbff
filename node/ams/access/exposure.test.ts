import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exposureProblems } from './exposure.ts'
import type { Exposure } from './exposure.ts'
import { judgedInSandbox, mayFederate, sandboxNotice } from './sandbox.ts'

const local: Exposure = {
  listen: '127.0.0.1',
  isRemoteMeant: false,
  sandbox: '',
  writeMode: 'open',
  isPrivate: false,
  tokens: [],
  takesOthers: false,
  isRateLimited: true
}
const remote: Exposure = {
  ...local,
  listen: '0.0.0.0',
  isRemoteMeant: true,
  writeMode: 'token',
  tokens: [{ role: 'write' }, { role: 'admin' }]
}
const sandbox: Exposure = { ...remote, isRemoteMeant: false, writeMode: 'open', sandbox: 'public' }

const CASES: readonly (readonly [string, Exposure, readonly string[]])[] = [
  ['an open hub for this machine', local, []],
  ['the same on ::1', { ...local, listen: '::1' }, []],
  ['the same on localhost', { ...local, listen: 'localhost' }, []],
  ['a hub with tokens for others', remote, []],
  ['one that takes capabilities alone', { ...remote, tokens: [], takesOthers: true }, []],
  ['a public sandbox', sandbox, []],
  ['a public sandbox for this machine', { ...sandbox, listen: '127.0.0.1' }, []],
  ['a private hub', { ...remote, isPrivate: true }, []],
  ['another address by accident', { ...remote, isRemoteMeant: false }, ['http.listen']],
  [
    'an address that begins like loopback',
    { ...remote, listen: '127.0.0.1.evil', isRemoteMeant: false },
    ['http.listen']
  ],
  ['another address without tokens', { ...remote, tokens: [] }, ['http.listen']],
  ['another address, open', { ...remote, writeMode: 'open' }, ['gateway.write_mode']],
  [
    'another address, open, by another name',
    { ...remote, writeMode: 'open', sandbox: 'yes' },
    ['gateway.sandbox', 'gateway.write_mode']
  ],
  ['private and open', { ...local, isPrivate: true }, ['gateway.write_mode']],
  ['a sandbox without limits', { ...sandbox, isRateLimited: false }, ['gateway.sandbox']],
  ['a sandbox without an ADMIN token', { ...sandbox, tokens: [{ role: 'write' }] }, ['gateway.sandbox']],
  [
    'a sandbox without either',
    { ...sandbox, isRateLimited: false, tokens: [] },
    ['gateway.sandbox', 'gateway.sandbox']
  ],
  ['a sandbox that is not open', { ...sandbox, writeMode: 'token' }, ['gateway.sandbox']]
]

for (const [what, exposure, paths] of CASES)
  test(`${what}: ${paths.join(', ') || 'may be'}`, () => {
    assert.deepEqual(
      exposureProblems(exposure).map(({ path }) => path),
      paths
    )
  })

test('in a public sandbox nothing is accepted by itself, and nothing goes to other hubs', () => {
  for (const status of ['queued', 'accepted', 'quarantined'] as const)
    assert.deepEqual(judgedInSandbox({ status, reasons: ['x'] }), {
      status: 'quarantined',
      reasons: ['x', 'sandbox']
    })
  assert.equal(judgedInSandbox({ status: 'rejected', reasons: [] }).status, 'rejected')
  assert.deepEqual(
    [mayFederate('public', 'accepted'), mayFederate('', 'accepted'), mayFederate('', 'quarantined')],
    [false, true, false]
  )
})

test('a public sandbox says that it is one, another hub says nothing', () => {
  assert.equal(sandboxNotice('public').sandbox, 'public')
  assert.deepEqual(sandboxNotice(''), {})
})
