import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  NUMBERED,
  checkpointsProof,
  equivocationLine,
  formatSigned,
  hubId,
  openHead,
  publicBytes,
  signStatement,
  signingKey,
  statementsProof
} from '../../federation/index.ts'
import type { SharedMessage, TreatyRow } from '../../federation/index.ts'
import { leavesOf, logHub, logOf } from './log.fixture.ts'
import { mayLearn } from './who-may-learn.ts'

const SHARE = 'ab'.repeat(16)
const KEY = signingKey(new Uint8Array(32).fill(7))
const LIAR = hubId(publicBytes(KEY))

const message = (topic: string, body: string): string => {
  const statement: SharedMessage = {
    at: 2,
    body_sha256: body.repeat(64),
    bytes: 1,
    comp: false,
    e2e: false,
    epoch: 1,
    hub: LIAR,
    key: Buffer.from(publicBytes(KEY)).toString('hex'),
    node: 'main',
    number: 1,
    priority: 4,
    series: 1,
    share: SHARE,
    topic
  }
  return formatSigned(signStatement(NUMBERED.kind, KEY, statement))
}

const proofOf = (...topics: readonly [string, string]): string =>
  equivocationLine(
    statementsProof(
      'numbers',
      LIAR,
      topics.map((topic, n) => message(topic, String(n))),
      ['not looked at']
    )
  )

const treaty = (dir: TreatyRow['dir'], topics: readonly string[], id = SHARE) => ({
  rows: [{ share: { id, name: 'news' }, dir, tenant: 'paris', topics, relay: false }]
})

test('two messages of one number are told only to who is sent the share and both topics', () => {
  const proof = { kind: 'numbers', line: proofOf('news/a', 'news/b') } as const

  assert.equal(mayLearn(proof, treaty('both', ['news/**'])), true)
  assert.equal(mayLearn(proof, treaty('out', ['news/a', 'news/b'])), true)
  assert.equal(mayLearn(proof, treaty('in', ['news/**'])), false)
  assert.equal(mayLearn(proof, treaty('both', ['news/a'])), false)
  assert.equal(mayLearn(proof, treaty('both', ['news/**'], 'cd'.repeat(16))), false)
  assert.equal(mayLearn(proof, undefined), false)
})

test('what names no share is for everybody', () => {
  const [log, fork] = [logOf(leavesOf(9)), logOf(leavesOf(9, 3))]
  const heads = [log, fork].map(one => openHead(one.note(9), one.delegation, logHub.id).head)
  const line = equivocationLine(checkpointsProof(logHub.id, [heads[0]!, heads[1]!]))

  assert.equal(mayLearn({ kind: 'checkpoints', line }, undefined), true)
})
