import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { delegationProblem } from '../../federation/index.ts'
import type { AuditEvent } from '../audit/index.ts'
import { openDataFolder } from '../data-folder.ts'
import { readHubKey } from '../hub-key.ts'
import { loadKeys } from '../keys.ts'
import { NOW, stoppedNode } from './identity.fixture.ts'
import { NodeSigners } from './node-signers.ts'
import { revokeNodeKey } from './revoked.ts'

test('a key that is asked for is made, signed for once and recorded', async t => {
  const { signers, events, signed } = await given(t)

  const [one, two] = await Promise.all([signers.of('message'), signers.of('message')])

  assert.equal(one, two)
  assert.equal(delegationProblem(one!.delegation, NOW.nowMs / 1000), undefined)
  assert.equal(one!.delegation.statement.epoch, Math.floor(NOW.nowMs / 1000))
  assert.deepEqual(
    events.map(({ content }) => content.type),
    ['delegation']
  )
  assert.deepEqual(signed, ['message'])
  assert.equal(signers.known('message'), one)
})

test('a key that is there is found again, and not signed for', async t => {
  const first = await given(t)
  const before = await first.signers.of('receipt')

  const again = await given(t, first.data)
  const found = await again.signers.of('receipt')

  assert.deepEqual(found!.delegation, before!.delegation)
  assert.deepEqual(again.events, [])
})

test('who goes on from an earlier copy of the folder does not sign for an epoch again', async t => {
  const first = await given(t)
  const before = await first.signers.of('witness')
  // As a copy has it that was made before the key was.
  for (const file of ['witness.key', 'witness.json']) rmSync(join(first.data, 'keys', file))

  const again = await given(t, first.data, 5000)
  const after = await again.signers.of('witness')

  assert.notDeepEqual(after!.secretKey.publicKey, before!.secretKey.publicKey)
  assert.ok(after!.delegation.statement.epoch > before!.delegation.statement.epoch)
})

test('where the hub key lies elsewhere, there is none', async t => {
  const { signers, data, events } = await given(t)
  rmSync(join(data, 'keys', 'hub.key'))

  assert.equal(await signers.of('message'), undefined)
  assert.equal(signers.known('message'), undefined)
  assert.deepEqual(events, [])
})

test('a key that was revoked while the node runs signs no more, and another takes its place', async t => {
  const { data, signers, keys } = await given(t)
  const before = await signers.of('message')
  const folder = { keys: join(data, 'keys') }
  const hubKey = (await readHubKey(folder.keys))!
  const log = { append: async () => undefined }
  await revokeNodeKey({ folder, keys, hubKey, log, ...NOW }, { key: before!.delegation.statement.key })

  signers.forget()
  const after = await signers.of('message')

  assert.notEqual(after!.delegation.statement.key, before!.delegation.statement.key)
  assert.ok(after!.delegation.statement.epoch > before!.delegation.statement.epoch)
  assert.equal(signers.known('message'), after)
})

async function given(t: TestContext, at?: string, laterMs = 0) {
  const data = at ?? (await stoppedNode(t))
  const { keys: folder } = await openedFolder(data)
  const keys = await loadKeys(folder, NOW)
  const events: AuditEvent[] = []
  const signed: string[] = []
  const signers = new NodeSigners({
    folder: { keys: folder },
    keys,
    record: async event => events.push(event),
    nowMs: () => NOW.nowMs + laterMs,
    onSigned: async role => void signed.push(role)
  })
  return { data, keys, signers, events, signed }
}

async function openedFolder(data: string): Promise<{ readonly keys: string }> {
  await using folder = await openDataFolder(data)
  return { keys: folder.keys }
}
