import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { signingKey } from '../../federation/index.ts'
import { parseSecretKey } from '../minisign.ts'
import { EXIT } from '../setup-error.ts'
import { hubCapabilities } from './capabilities.fixture.ts'
import { capabilitiesInMemory, openCapabilityFolder } from './folder.ts'
import type { KeptCapabilities } from './folder.ts'
import { keyDelegationProblem } from './key-delegation.ts'
import { MAX_REVOCATION_KEYS, signerOf, unsignedKeys } from './revocation-keys.ts'
import type { HubOfKeys } from './revocation-keys.ts'
import {
  EMPTY_LIST,
  NOTHING_FOLLOWED,
  delegationFor,
  followFrom,
  formatRevocation,
  headOf,
  revocationProblem,
  signRevocation
} from './revocation-statement.ts'
import type { ListHead, RevocationStatement } from './revocation-statement.ts'
import { HUB, HUB_KEY, SIGNER } from './revocation.fixture.ts'

const NOW_S = Date.UTC(2026, 0, 1) / 1000
const AWAY: HubOfKeys = { hub: HUB, nodeName: 'node1', hubKey: async () => undefined, now: NOW_S * 1000 }
const holding = (key: typeof HUB_KEY): HubOfKeys => ({
  ...AWAY,
  hubKey: async () => ({ key, keyId: new Uint8Array(8), publicKey: new Uint8Array(32) })
})
const HERE = holding(HUB_KEY)

test('a follower with the hub id alone takes a list that goes on under a new key', async t => {
  const folder = scratch(t)
  const kept = await openCapabilityFolder(folder, HERE)
  await kept.revocations.revoke([{ kid: 1 }], { nowS: NOW_S })
  await replaced(kept, NOW_S + 10)
  await kept.revocations.revoke([{ kid: 2 }], { nowS: NOW_S })
  const { revocations, signing } = await openCapabilityFolder(folder, AWAY)

  assert.deepEqual(
    revocations.from(0, 9).map(({ statement }) => [statement.seq, statement.epoch, statement.at]),
    [
      [1, 1, NOW_S],
      [2, 2, NOW_S + 10]
    ]
  )
  assert.deepEqual(signing.delegations.map(keyDelegationProblem), [undefined, undefined])
  assert.deepEqual(followed(revocations.from(0, 9), signing.delegations), [undefined, undefined])
  assert.match(String(followed(revocations.from(0, 9), signing.delegations.slice(0, 1))[1]), /no delegation/)
})

test('a key that was replaced says nothing more, to a follower or in the file', async t => {
  const folder = scratch(t)
  const kept = await openCapabilityFolder(folder, HERE)
  const stolen = readFileSync(join(folder, 'revocation.key'), 'utf8')
  const delegations = readFileSync(join(folder, 'revocation-delegation.json'), 'utf8')
  await replaced(kept, NOW_S)
  await kept.revocations.revoke([{ kid: 1 }], { nowS: NOW_S })
  const [last] = kept.revocations.from(0, 1)

  assert.ok(!readFileSync(join(folder, 'revocation.key'), 'utf8').includes(stolen.split('\n')[1]!))
  assert.equal(statSync(join(folder, 'revocation.key')).mode & 0o777, 0o600)
  const old = { ...last!, statement: { ...last!.statement, epoch: 1 } }
  assert.equal(delegationFor(old, kept.signing.delegations, 2), undefined)
  writeFileSync(join(folder, 'revocation.key'), stolen)
  await assert.rejects(openCapabilityFolder(folder, HERE), { exitCode: EXIT.badInput })
  writeFileSync(join(folder, 'revocation-delegation.json'), delegations)
  await assert.rejects(openCapabilityFolder(folder, HERE), /statement 1: signed by another key/)
})

/** A hub that has revoked `before` kids under its first key and one more under its second, and that first key. */
async function replacedAfter(t: TestContext, before: number) {
  const folder = scratch(t)
  const kept = await openCapabilityFolder(folder, HERE)
  const stolen = signerOf(HUB, parseSecretKey(readFileSync(join(folder, 'revocation.key'), 'utf8')))
  for (let kid = 1; kid <= before; kid++) await kept.revocations.revoke([{ kid }], { nowS: NOW_S })
  const forge = (head: ListHead) =>
    signRevocation(stolen.key, {
      at: NOW_S + 20,
      epoch: 1,
      hub: HUB,
      key: stolen.publicKey,
      prev: head.digest,
      reason: '',
      revoke: { subject: 'everybody' },
      seq: head.seq + 1
    })
  const headAt = (seq: number) => {
    const [signed] = kept.revocations.from(seq - 1, 1)
    return seq === 0 ? EMPTY_LIST : headOf(seq, formatRevocation(signed!))
  }
  await replaced(kept, NOW_S + 10)
  await kept.revocations.revoke([{ kid: 9 }], { nowS: NOW_S })
  return { kept, delegations: kept.signing.delegations, forge, headAt }
}

test('a stolen key says nothing more to who knows of its replacement', async t => {
  for (const before of [0, 2]) {
    const { delegations, forge, headAt, kept } = await replacedAfter(t, before)

    for (let seq = 0; seq < before; seq++) {
      const forged = forge(headAt(seq))
      const isLast = seq === before - 1
      assert.equal(delegationFor(forged, delegations, 0) === undefined, isLast, `in the place of ${seq + 1}`)
    }
    const next = forge(headAt(before))
    assert.equal(delegationFor(next, delegations, 0), undefined)
    const further = forge(headOf(before + 1, formatRevocation(next)))
    assert.equal(delegationFor(further, delegations, 0), undefined)
    assert.ok(followed(kept.revocations.from(0, 9), delegations).every(problem => problem === undefined))
  }
})

test('who followed a stolen key takes the list again and goes on', async t => {
  for (const before of [0, 2]) {
    const { delegations, forge, headAt, kept } = await replacedAfter(t, before)
    const forged = forge(headAt(before))
    const head = { ...headOf(before + 1, formatRevocation(forged)), epoch: 1 }

    assert.deepEqual(followFrom(head, delegations.slice(0, 1)), head)
    assert.deepEqual(followFrom(head, delegations), NOTHING_FOLLOWED)
    const honest = { ...headAt(before), epoch: before === 0 ? 0 : 1 }
    assert.deepEqual(followFrom(honest, delegations), honest)
    const later = { ...kept.revocations.head, epoch: 2 }
    assert.deepEqual(followFrom(later, delegations), later)
    assert.equal(followFrom({ ...headAt(before), digest: 'ab'.repeat(32), epoch: 1 }, delegations).seq, 0)
  }
})

test('a new key says nothing about places before its own, nor behind another list', async t => {
  const { delegations, kept, headAt } = await replacedAfter(t, 2)
  const [own] = kept.revocations.from(2, 1)
  const moved = (to: Partial<RevocationStatement>) =>
    delegationFor({ ...own!, statement: { ...own!.statement, ...to } }, delegations, 1)

  assert.equal(moved({}), delegations[1])
  assert.equal(moved({ seq: 2, prev: headAt(1).digest }), undefined)
  assert.equal(moved({ prev: 'ab'.repeat(32) }), undefined)
})

test('what a failed write left behind the list does not come back under a key that was replaced', async t => {
  const folder = scratch(t)
  const kept = await openCapabilityFolder(folder, HERE)
  await kept.revocations.revoke([{ kid: 1 }], { nowS: NOW_S })
  const list = join(folder, 'revocations.ndjson')
  const whole = readFileSync(list, 'utf8')
  writeFileSync(list, `${whole}left behind\n`)

  await replaced(kept, NOW_S)

  assert.equal(readFileSync(list, 'utf8'), whole)
  assert.deepEqual(kept.signing.delegations[1]!.statement.after, kept.revocations.head)
})

test('a replacement that a crash cut short leaves the key before it', async t => {
  const folder = scratch(t)
  const kept = await openCapabilityFolder(folder, HERE)
  const before = readFileSync(join(folder, 'revocation.key'), 'utf8')
  const first = readFileSync(join(folder, 'revocation-delegation.json'), 'utf8')
  await replaced(kept, NOW_S)
  writeFileSync(join(folder, 'revocation.key'), before)

  const again = await openCapabilityFolder(folder, AWAY)
  await again.revocations.revoke([{ kid: 1 }], { nowS: NOW_S })

  assert.equal(again.signing.delegations.length, 1)
  assert.equal(readFileSync(join(folder, 'revocation-delegation.json'), 'utf8'), first)
  assert.deepEqual(followed(again.revocations.from(0, 9), again.signing.delegations), [undefined])
})

test('nothing is replaced without the hub key, by another one, or more often than delegations fit', async t => {
  const folder = scratch(t)
  const files = () =>
    ['revocation.key', 'revocation-delegation.json'].map(name => readFileSync(join(folder, name), 'utf8'))
  const kept = await openCapabilityFolder(folder, HERE)
  const before = files()

  const away = await openCapabilityFolder(folder, AWAY)
  await assert.rejects(away.signing.replace(NOW_S, EMPTY_LIST), {
    code: 'conflict',
    message: /stop the node, and give it with --hub-key FILE/
  })
  const other = await openCapabilityFolder(folder, holding(signingKey(new Uint8Array(32).fill(9))))
  await assert.rejects(other.signing.replace(NOW_S, EMPTY_LIST), {
    code: 'conflict',
    message: /not signed by hub/
  })
  assert.deepEqual(files(), before)
  for (let keys = 1; keys < MAX_REVOCATION_KEYS; keys++) await replaced(kept, NOW_S)
  await assert.rejects(kept.signing.replace(NOW_S, EMPTY_LIST), { code: 'conflict', message: /at most 8/ })
  assert.equal((await openCapabilityFolder(folder, AWAY)).signing.delegations.length, MAX_REVOCATION_KEYS)
  await assert.rejects(unsignedKeys.replace(NOW_S, EMPTY_LIST), { code: 'conflict' })
})

test('a replacement is recorded by epoch and digest before it is answered, and revocations go on under it', async () => {
  const signing = { ...unsignedKeys, replace: async () => ({ ...SIGNER, epoch: 2 }) }
  const { hub, events } = await hubCapabilities({ kept: { ...capabilitiesInMemory(HUB), signing } })
  const { epoch, publicKey } = await hub.rotateRevocationKey({ actor: 'local' })
  await hub.revoke({ subject: 'robot' }, undefined, { actor: 'local' })

  assert.deepEqual([epoch, publicKey], [2, SIGNER.publicKey])
  const { type, data } = events.find(event => event.type === 'revocation_key')!
  assert.deepEqual([type, Object.keys(data)], ['revocation_key', ['epoch', 'key_sha256']])
  assert.ok(!JSON.stringify(data).includes(SIGNER.publicKey))
  assert.equal(hub.revocationsFrom(0).statements[0]?.statement.epoch, 2)
})

async function replaced({ signing, revocations }: KeptCapabilities, notBefore: number): Promise<void> {
  revocations.signBy(await signing.replace(notBefore, await revocations.standing()))
}

/** What a follower says of each statement. */
function followed(
  statements: readonly Parameters<typeof revocationProblem>[0][],
  delegations: Parameters<typeof delegationFor>[1]
): (string | undefined)[] {
  let head = EMPTY_LIST
  let epoch = 0
  return statements.map(signed => {
    const delegation = delegationFor(signed, delegations, epoch)
    const problem = delegation === undefined ? 'no delegation' : revocationProblem(signed, head, delegation)
    head = headOf(signed.statement.seq, formatRevocation(signed))
    epoch = signed.statement.epoch
    return problem
  })
}

function scratch(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'revocation-keys-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return join(folder, 'capabilities')
}
