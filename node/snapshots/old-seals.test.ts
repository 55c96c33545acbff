import assert from 'node:assert/strict'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { restoreBackup } from '../backup/index.ts'
import {
  formatHubFile,
  hubFileOf,
  openKeys,
  parseHubFile,
  revokeNodeKey,
  rotateRoleKey,
  succeedHub
} from '../identity/index.ts'
import { allow, hubFolder, linked, startHub, until } from '../links/hubs.fixture.ts'
import { generateMinisign } from '../minisign.ts'
import { verifySeal, verifySnapshot } from './seal-authority.ts'

const OPTIONS = { timeout: 240_000 }
const now = () => Math.floor(Date.now() / 1000)

test(
  'an old seal verifies after a rotation and a succession, and not once its key is revoked',
  OPTIONS,
  async t => {
    const data = hubFolder(t)
    const hub = await startHub(t, { data })
    const made = await hub.operator.snapshots.snapshot_make({})
    await hub.node.stop()
    const old = join(data, '..', 'old')
    cpSync(made.folder, old, { recursive: true })
    const trust = { key: hub.id, nowS: now() }
    const fileOf = async () => parseHubFile(formatHubFile(await hubFileOf(data, Date.now())))

    await changed(data, keys => rotateRoleKey(keys, 'snapshot'))
    const again = await startHub(t, { data })
    const rotated = await again.operator.snapshots.snapshot_make({})
    await again.node.stop()
    const after = await verifySnapshot(rotated.folder, { ...trust, after: old })
    assert.deepEqual([after.ok, (await verifySeal(old, trust)).ok], [true, true])
    assert.notEqual(after.key_id, (await verifySeal(old, trust)).key_id)
    const revokedKey = (await fileOf()).delegations.find(({ statement }) => statement.role === 'snapshot')!
    const key = 'key' in revokedKey.statement ? revokedKey.statement.key : ''
    await changed(data, keys => revokeNodeKey(keys, { key, reason: 'stolen' }))
    const told = await fileOf()
    assert.equal((await verifySeal(old, { ...trust, hubFile: told })).refusal, 'revoked')
    assert.equal((await verifySeal(rotated.folder, { ...trust, hubFile: told })).ok, true)
    cpSync(rotated.folder, join(data, '..', 'rotated'), { recursive: true })

    await changed(data, keys =>
      succeedHub(keys, { next: generateMinisign(), isKept: true, reason: 'a new stick' })
    )
    const successor = await fileOf()
    const kept = join(data, '..', 'rotated')
    assert.equal((await verifySeal(kept, { key: successor.hub, nowS: now() })).refusal, 'hub')
    assert.equal((await verifySeal(kept, { key: successor.hub, nowS: now(), hubFile: successor })).ok, true)
    assert.equal((await verifySeal(kept, trust)).ok, true)
  }
)

test(
  'a hub that is restored from a backup goes on with higher numbers, and its peers take it',
  OPTIONS,
  async t => {
    const data = hubFolder(t)
    const top = join(data, '..')
    const treaty = { classes: ['federated'], verbs: ['storage:get'] }
    const hub = await startHub(t, { data })
    const peer = await startHub(t)
    await allow(hub, peer, treaty)
    await linked(hub, peer)
    await hub.operator.snapshots.snapshot_make({})
    await hub.operator.audit.admin.backup({ folder: join(top, 'backup') })
    const forgotten = await hub.operator.snapshots.snapshot_make({})
    await peer.operator.snapshots.snapshot_fetch({ hub: hub.id })
    await hub.node.stop()

    // Within one second the number of another life may be the lower one.
    const second = Math.floor(forgotten.seq / 2 ** 20)
    await until(async () => Date.now() / 1000 > second + 1, 'a later second')
    await restoreBackup(join(top, 'backup'), join(top, 'restored'))
    const restored = await startHub(t, { data: join(top, 'restored') })
    const before = await restored.operator.snapshots.snapshot_list({})
    await linked(restored, peer)
    const made = await restored.operator.snapshots.snapshot_make({})
    const { verdict, seq } = await peer.operator.snapshots.snapshot_fetch({ hub: hub.id })

    assert.deepEqual(before.snapshots, [])
    assert.ok(made.seq > forgotten.seq)
    assert.deepEqual([verdict, seq], ['restored', made.seq])
  }
)

async function changed(
  data: string,
  change: (keys: Awaited<ReturnType<typeof openKeys>>) => Promise<unknown>
) {
  await using keys = await openKeys(data, { nowMs: Date.now() })
  await change(keys)
}
