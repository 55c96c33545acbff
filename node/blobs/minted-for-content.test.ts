import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { VerifiedToken } from '../../protocols/index.ts'
import { isMintedForContent } from './minted-for-content.ts'

type Key = VerifiedToken['caveats'][number]['key']

const isFor = (...keys: readonly Key[]): boolean =>
  isMintedForContent({ caveats: keys.map(key => ({ key })) as unknown as VerifiedToken['caveats'] })

test('a caveat for content is the hub’s where it stands before the end that the hub set', () => {
  assert.equal(isFor('verb', 'content', 'peer', 'expires'), true)
  assert.equal(isFor('verb', 'content', 'expires', 'content', 'expires'), true)
  assert.equal(isFor('verb', 'peer', 'expires'), false)
  assert.equal(isFor('verb', 'expires', 'content'), false)
  assert.equal(isFor('verb', 'expires', 'content', 'expires'), false)
  assert.equal(isFor('content'), false)
})

test('of a token that was, or may be, renewed nobody can tell whose it is', () => {
  assert.equal(isFor('verb', 'content', 'peer', 'renew-until', 'expires'), false)
  assert.equal(isFor('verb', 'peer', 'renew-until', 'content', 'expires'), false)
})
