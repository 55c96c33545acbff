import assert from 'node:assert/strict'
import { test } from 'node:test'
import { delegate, formatDelegation } from '../delegation.ts'
import type { Delegation, Role } from '../delegation.ts'
import { HUB, keyOf } from '../keys.fixture.ts'
import { NUMBERED, SHARES } from '../shares/index.ts'
import type { SharedMessage } from '../shares/index.ts'
import { SNAPSHOTS, SNAPSHOT_PLACE } from '../snapshots/index.ts'
import type { SnapshotStatement } from '../snapshots/index.ts'
import { formatSigned, signStatement } from '../statement.ts'
import { WITNESS, equivocationLine, judgeEquivocation, statementsProof } from './index.ts'

const KINDS = { numbers: NUMBERED, snapshots: SNAPSHOT_PLACE }
const MOST = Number.MAX_SAFE_INTEGER
const signer = keyOf(60)

const delegationLine = (role: 'message' | 'snapshot'): string => {
  const statement = {
    hub: HUB.hub,
    node: 'main',
    role,
    key: signer.hex,
    not_before: 1,
    not_after: 9,
    epoch: 1
  }
  return formatDelegation(delegate(HUB.key, statement) as Delegation<Role>).trimEnd()
}

test('two messages of one number whose attributes take the most room are proof', () => {
  // Of all bytes a control character takes the most in JSON, and more when it is quoted once more.
  const attrs = { ['\u0001'.repeat(200)]: '\u0001'.repeat(SHARES.attrsBytes - 200) }
  const line = (body: string): string => {
    const statement: SharedMessage = {
      at: 2,
      attrs,
      body_sha256: body.repeat(64),
      bytes: SHARES.bodyBytes,
      comp: true,
      e2e: true,
      epoch: 1,
      expires_ms: 8_640_000_000_000_000,
      hub: HUB.hub,
      key: signer.hex,
      node: 'main',
      not_before_ms: 8_640_000_000_000_000,
      number: MOST,
      priority: 9,
      series: 8_640_000_000_000_000,
      share: 'ab'.repeat(16),
      topic: 'a'
    }
    return formatSigned(signStatement(NUMBERED.kind, signer.key, statement))
  }
  const both = [line('0'), line('1')].sort()
  assert.ok(both[0]!.length <= SHARES.lineChars && both[0]!.length > 20_000)

  const proof = statementsProof('numbers', HUB.hub, both, [delegationLine('message')])

  assert.deepEqual(judgeEquivocation(equivocationLine(proof), KINDS).ok, true)
})

test('two snapshots of one number that fill their lists are proof', () => {
  const line = (policy: number): string => {
    const shares = Array.from({ length: SNAPSHOTS.shares }, (_, n) => ({
      count: MOST,
      highest: MOST,
      root: 'ab'.repeat(32),
      share: n.toString(16).padStart(64, '0')
    }))
    const names = Array.from({ length: SNAPSHOTS.manifests }, (_, n) => [
      `${'a'.repeat(97)}${String(n).padStart(3, '0')}`,
      'ab'.repeat(32)
    ])
    const statement: SnapshotStatement = {
      created: 2,
      epoch: 1,
      expires: 3,
      heads: { revocation: { digest: 'ab'.repeat(32), seq: MOST }, shares },
      hub: HUB.hub,
      key: signer.hex,
      manifests: Object.fromEntries(names),
      node: 'main',
      policy_version: policy,
      prev: { seq: MOST - 1, sha256: 'ab'.repeat(32) },
      seq: MOST
    }
    return formatSigned(signStatement(SNAPSHOT_PLACE.kind, signer.key, statement))
  }
  const proof = statementsProof('snapshots', HUB.hub, [line(1), line(2)].sort(), [delegationLine('snapshot')])

  assert.deepEqual(judgeEquivocation(equivocationLine(proof), KINDS).ok, true)
})

test('a longer line is refused before it is read', () => {
  const verdict = judgeEquivocation(' '.repeat(WITNESS.proofBytes + 1))

  assert.deepEqual(verdict, {
    ok: false,
    why: 'form',
    detail: `longer than ${WITNESS.proofBytes} bytes`
  })
})
