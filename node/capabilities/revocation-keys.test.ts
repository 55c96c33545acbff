import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { signingKey } from '../ed25519.ts'
import { EXIT } from '../setup-error.ts'
import { hubCapabilities } from './capabilities.fixture.ts'
import { capabilitiesInMemory, openCapabilityFolder } from './folder.ts'
import type { KeptCapabilities } from './folder.ts'
import { keyDelegationProblem } from './key-delegation.ts'
import { MAX_REVOCATION_KEYS, unsignedKeys } from './revocation-keys.ts'
import type { HubOfKeys } from './revocation-keys.ts'
import {
  EMPTY_LIST,
  delegationFor,
  formatRevocation,
  headOf,
  revocationProblem
} from './revocation-statement.ts'
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
  await assert.rejects(away.signing.replace(NOW_S), { code: 'conflict', message: /put hub.key back/ })
  const other = await openCapabilityFolder(folder, holding(signingKey(new Uint8Array(32).fill(9))))
  await assert.rejects(other.signing.replace(NOW_S), { code: 'conflict', message: /not signed by hub/ })
  assert.deepEqual(files(), before)
  for (let keys = 1; keys < MAX_REVOCATION_KEYS; keys++) await replaced(kept, NOW_S)
  await assert.rejects(kept.signing.replace(NOW_S), { code: 'conflict', message: /at most 8/ })
  assert.equal((await openCapabilityFolder(folder, AWAY)).signing.delegations.length, MAX_REVOCATION_KEYS)
  await assert.rejects(unsignedKeys.replace(NOW_S), { code: 'conflict' })
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
  revocations.signBy(await signing.replace(notBefore))
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
