import assert from 'node:assert/strict'
import test from 'node:test'
import {
  delegateLog,
  formatLogDelegation,
  formatVerifierKey,
  hubId,
  noteKey,
  publicBytes,
  readLogDelegation,
  signingKey
} from '../../federation/index.ts'
import { HUB_ID } from './log.fixture.ts'
import { parseExportProof } from './audit-export.ts'
import { encodeEntry, parseEntry } from './entry.ts'

const SIGNATURE = Buffer.alloc(64).toString('base64')
/** JSON that throws when it is made text. */
const NO_TEXT = { toString: 1, valueOf: 1 }
const HALF = '\ud800'

const statement = { hub: HUB_ID, issued_s: 1, key: 'k', role: 'audit-log' }
const proof = { checkpoint: '', delegation: '', from: 0, hashes: [], to: 1, v: 1 }

for (const [what, value] of [
  ['no statement', { signature: SIGNATURE, statement: null }],
  ['a key with half a surrogate pair', { signature: SIGNATURE, statement: { ...statement, key: HALF } }],
  ['a signature that is no text', { signature: NO_TEXT, statement }],
  ['a time that is no whole number', { signature: SIGNATURE, statement: { ...statement, issued_s: 1.5 } }]
] as const) {
  test(`a delegation of a log is refused as such for ${what}`, () => {
    assert.throws(() => readLogDelegation(`${JSON.stringify(value)}\n`, HUB_ID), SyntaxError)
  })
}

for (const [what, members] of [
  ['a place between two entries', { from: 1.5 }],
  ['a place that is no number', { to: NO_TEXT }],
  ['a checkpoint with half a surrogate pair', { checkpoint: HALF }],
  ['a delegation that is no text', { delegation: NO_TEXT }],
  ['a hash that is no text', { hashes: [NO_TEXT] }]
] as const) {
  test(`a proof is refused as such for ${what}`, () => {
    assert.throws(() => parseExportProof(`${JSON.stringify({ ...proof, ...members })}\n`), SyntaxError)
  })
}

test('a proof in its one form is taken', () => {
  assert.deepEqual(parseExportProof(`${JSON.stringify(proof)}\n`).to, 1)
})

test('a hub speaks for its own logs and for no other', () => {
  const hubKey = signingKey(new Uint8Array(32).fill(5))
  const hub = hubId(publicBytes(hubKey))
  const logKey = publicBytes(signingKey(new Uint8Array(32).fill(6)))
  const delegated = (owner: string): string => {
    const key = formatVerifierKey(noteKey(`${owner}/node1/0123456789abcdef`, logKey))
    return formatLogDelegation(delegateLog(hubKey, { hub, issued_s: 1, key, role: 'audit-log' }))
  }

  assert.equal(readLogDelegation(delegated(hub), hub).name, `${hub}/node1/0123456789abcdef`)
  assert.throws(() => readLogDelegation(delegated(HUB_ID), hub), SyntaxError)
})

test('an entry of a type, and with data, that nobody knows is taken', () => {
  const content = { type: 'later', actor: 'node', subject: 'log', data: { invented: { later: [1] } } }
  const place = { seq: 0, ts: 1, id: '0'.repeat(32), prev: '0'.repeat(64) }

  const entry = parseEntry(encodeEntry(content, place).line)

  assert.deepEqual([entry.type, entry.data], ['later', { invented: { later: [1] } }])
})
