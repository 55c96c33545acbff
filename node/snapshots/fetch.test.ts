import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { allow, entriesOf, hubFolder, linked, startHub } from '../links/hubs.fixture.ts'
import { verifySeal, verifySnapshot } from './seal-authority.ts'

const OPTIONS = { timeout: 180_000 }
const TREATY = { classes: ['federated'], verbs: ['storage:get'] }
const now = () => Math.floor(Date.now() / 1000)

test('a linked hub fetches the newest snapshot, and what it keeps proves whose it is', OPTIONS, async t => {
  const [a, b] = [await startHub(t), await startHub(t)]
  await allow(a, b, TREATY)
  await linked(a, b)
  const made = await a.operator.snapshots.snapshot_make({})

  const fetched = await b.operator.snapshots.snapshot_fetch({ hub: a.id })
  const again = await b.operator.snapshots.snapshot_fetch({ hub: a.id })
  const next = await a.operator.snapshots.snapshot_make({})
  const later = await b.operator.snapshots.snapshot_fetch({ hub: a.id })

  assert.deepEqual([fetched.verdict, again.verdict, later.verdict], ['first', 'known', 'next'])
  assert.deepEqual([fetched.seq, fetched.sha256, fetched.cid], [made.seq, made.sha256, made.cid])
  assert.ok(next.seq > made.seq)
  const trust = { key: a.id, nowS: now() }
  const verdict = await verifySnapshot(later.folder, { ...trust, after: fetched.folder })
  assert.deepEqual([verdict.ok, verdict.hub, verdict.seq], [true, a.id, next.seq])
  const back = await verifySnapshot(fetched.folder, { ...trust, after: later.folder })
  assert.equal(back.refusal, 'rollback')
  const kept = await b.operator.snapshots.snapshot_list({ hub: a.id })
  assert.deepEqual(
    kept.snapshots.map(({ seq }) => seq),
    [next.seq, made.seq]
  )
  assert.equal((await entriesOf(a, 'snapshot')).length, 2)
  assert.deepEqual(
    (await entriesOf(b, 'peer_snapshot')).map(({ verdict: found }) => found),
    ['first', 'next']
  )
})

test('a hub whose treaty does not share them cannot fetch snapshots', OPTIONS, async t => {
  const [a, b] = [await startHub(t), await startHub(t)]
  await allow(a, b)
  await linked(a, b)
  await a.operator.snapshots.snapshot_make({})

  await assert.rejects(b.operator.snapshots.snapshot_fetch({ hub: a.id }), { code: 'not_shared' })
  assert.deepEqual((await b.operator.snapshots.snapshot_list({ hub: a.id })).snapshots, [])
  await assert.rejects(b.operator.snapshots.snapshot_fetch({ hub: b.id }), { code: 'not_found' })
})

test('a snapshot that was changed on the disk is refused by name', OPTIONS, async t => {
  const data = hubFolder(t)
  const hub = await startHub(t, { data })
  const { folder } = await hub.operator.snapshots.snapshot_make({})
  const copy = join(data, '..', 'copy')
  const trust = { key: hub.id, nowS: now() }
  const refusal = async (change: () => void): Promise<string | undefined> => {
    cpSync(folder, copy, { recursive: true, force: true })
    change()
    const { refusal: why } = await verifySeal(copy, trust)
    spawnSync('rm', ['-r', copy])
    return why
  }

  assert.equal((await verifySeal(folder, trust)).ok, true)
  assert.equal(await refusal(() => writeFileSync(join(copy, 'keys.ndjson'), 'x\n')), 'changed')
  assert.equal(await refusal(() => writeFileSync(join(copy, 'more'), '')), 'extra')
  assert.equal(await refusal(() => spawnSync('rm', [join(copy, 'minisign.pub')])), 'missing')
  assert.equal(
    await refusal(() => spawnSync('ln', ['-sf', '/etc/hostname', join(copy, 'keys.ndjson')])),
    'not_a_file'
  )
  assert.equal(await refusal(() => spawnSync('mkfifo', [join(copy, 'pipe')])), 'not_a_file')
  assert.equal(
    await refusal(() => {
      const text = readFileSync(join(copy, 'sha256.json'), 'utf8')
      writeFileSync(join(copy, 'sha256.json'), text.replace('keys.ndjson', '../keys.json'))
    }),
    'path'
  )
  const other = await startHub(t)
  assert.equal((await verifySeal(folder, { ...trust, key: other.id })).refusal, 'hub')
})

test(
  'a snapshot cut off by a kill is gone, or known, after the next start, and numbers go on',
  OPTIONS,
  async t => {
    const data = hubFolder(t)
    const hub = await startHub(t, { data })
    const first = await hub.operator.snapshots.snapshot_make({})
    const second = await hub.operator.snapshots.snapshot_make({})
    await hub.node.stop()
    const own = join(data, 'snapshots', 'own')
    cpSync(second.folder, join(own, '.new-half'), { recursive: true })
    cpSync(second.folder, join(own, String(second.seq + 5)), { recursive: true })

    const again = await startHub(t, { data })
    const { snapshots } = await again.operator.snapshots.snapshot_list({})
    const third = await again.operator.snapshots.snapshot_make({})

    assert.deepEqual(
      snapshots.map(({ seq }) => seq),
      [second.seq, first.seq]
    )
    assert.deepEqual(readdirSync(own).sort(), [first.seq, second.seq, third.seq].map(String))
    const verdict = await verifySnapshot(third.folder, { key: hub.id, nowS: now(), after: second.folder })
    assert.equal(verdict.ok, true)
  }
)
