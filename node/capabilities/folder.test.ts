import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { refusal } from '../refusal.fixture.ts'
import { EXIT } from '../setup-error.ts'
import { CAPABILITY_FOLDER_CONTENTS, openCapabilityFolder } from './folder.ts'
import type { HubOfKeys } from './revocation-keys.ts'
import { keyDelegationProblem } from './key-delegation.ts'
import { EMPTY_LIST, formatRevocation, headOf, revocationProblem } from './revocation-statement.ts'
import { HUB, HUB_KEY } from './revocation.fixture.ts'

const NOW = Date.UTC(2026, 0, 1)
const NOW_S = NOW / 1000
const OFFLINE: HubOfKeys = { hub: HUB, nodeName: 'node1', hubKey: async () => undefined, now: NOW }
const WITH_HUB_KEY: HubOfKeys = {
  ...OFFLINE,
  hubKey: async () => ({ key: HUB_KEY, keyId: new Uint8Array(8), publicKey: new Uint8Array(32) })
}

test('makes a folder for its owner alone, with what belongs in it, whatever the umask', async t => {
  const folder = scratch(t)
  const before = process.umask(0)
  t.after(() => process.umask(before))

  await openCapabilityFolder(folder, WITH_HUB_KEY)

  assert.deepEqual(readdirSync(folder).sort(), Object.keys(CAPABILITY_FOLDER_CONTENTS).sort())
  assert.equal(statSync(folder).mode & 0o777, 0o700)
  for (const name of readdirSync(folder)) assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600, name)
})

test('a linked hub that knows the hub id alone can verify what was revoked', async t => {
  const { revocations, signing } = await openCapabilityFolder(scratch(t), WITH_HUB_KEY)
  await revocations.revoke([{ kid: 1 }, { subject: 'x' }], { nowS: NOW_S + 5 })

  const [delegation] = signing.delegations
  assert.ok(delegation !== undefined)
  assert.equal(keyDelegationProblem(delegation), undefined)
  assert.deepEqual([delegation.statement.hub, delegation.statement.epoch], [HUB, 1])
  let head = EMPTY_LIST
  for (const signed of revocations.from(0, 9)) {
    assert.equal(revocationProblem(signed, head, delegation), undefined)
    head = headOf(signed.statement.seq, formatRevocation(signed))
  }
})

test('works while the hub key is away, whose word then counts for what was revoked before', async t => {
  const folder = scratch(t)
  const first = await openCapabilityFolder(folder, OFFLINE)
  await first.revocations.revoke([{ kid: 1 }], { nowS: NOW_S })

  const later = { ...WITH_HUB_KEY, now: NOW + 86_400_000 }
  const { revocations, signing } = await openCapabilityFolder(folder, later)
  const again = await openCapabilityFolder(folder, OFFLINE)

  const [delegation] = signing.delegations
  assert.deepEqual(first.signing.delegations, [])
  assert.ok(delegation !== undefined)
  assert.equal(revocationProblem(revocations.from(0, 1)[0]!, EMPTY_LIST, delegation), undefined)
  assert.deepEqual(again.signing.delegations, [delegation])
})

for (const name of ['root-keys.json', 'revocation.key', 'revocations.ndjson', 'revocations.head']) {
  test(`does not begin anew where ${name} is gone, and says what to do`, async t => {
    const folder = scratch(t)
    await openCapabilityFolder(folder, WITH_HUB_KEY)
    rmSync(join(folder, name))

    await assert.rejects(
      openCapabilityFolder(folder, WITH_HUB_KEY),
      refusal(EXIT.noInput, new RegExp(`${name}: is gone; restore it .* or move ${folder} away`))
    )
    assert.equal(readdirSync(folder).includes(name), false)
  })
}

for (const name of ['root-keys.json', 'revocation.key']) {
  test(`refuses ${name} when others may read it`, async t => {
    const folder = scratch(t)
    await openCapabilityFolder(folder, WITH_HUB_KEY)
    chmodSync(join(folder, name), 0o644)

    await assert.rejects(
      openCapabilityFolder(folder, WITH_HUB_KEY),
      refusal(EXIT.permission, new RegExp(`chmod 600 .*${name}`))
    )
  })
}

for (const name of ['revocation.key', 'revocation-delegation.json']) {
  test(`names ${name} when it is damaged or belongs to another hub's keys`, async t => {
    const [folder, other] = [scratch(t), scratch(t)]
    await openCapabilityFolder(folder, WITH_HUB_KEY)
    await openCapabilityFolder(other, WITH_HUB_KEY)
    const path = join(folder, name)
    const text = readFileSync(path, 'utf8')

    for (const wrong of ['', 'x', text.slice(0, -9), readFileSync(join(other, name), 'utf8')]) {
      writeFileSync(path, wrong)
      await assert.rejects(
        openCapabilityFolder(folder, WITH_HUB_KEY),
        refusal(EXIT.badInput, /restore it from a backup/)
      )
    }
  })
}

test('refuses the delegation of another hub', async t => {
  const folder = scratch(t)
  await openCapabilityFolder(folder, WITH_HUB_KEY)

  await assert.rejects(
    openCapabilityFolder(folder, { ...WITH_HUB_KEY, hub: `h1${'a'.repeat(52)}` }),
    refusal(EXIT.badInput, /delegation.json: made by hub/)
  )
})

test('removes what a killed process left unfinished', async t => {
  const folder = scratch(t)
  await openCapabilityFolder(folder, OFFLINE)
  writeFileSync(join(folder, '.new-root-keys.json-0123'), 'half')

  await openCapabilityFolder(folder, OFFLINE)

  assert.equal(readdirSync(folder).includes('.new-root-keys.json-0123'), false)
})

function scratch(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'capabilities-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return join(folder, 'capabilities')
}
