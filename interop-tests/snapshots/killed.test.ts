import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { connectAdmin, verifySnapshot } from 'omnigate'
import type { SealVerdict } from 'omnigate'
import { Child } from '../child.ts'
import { LAUNCHER } from '../our-node.ts'

const KILLS = 5
const AT_ONCE = 6
const MINISIGN = spawnSync('minisign', ['-v']).error === undefined

test(
  'a node that is killed while it makes snapshots leaves whole ones alone, none that it told of is lost, and minisign takes each',
  { timeout: 600_000 },
  async t => {
    const top = mkdtempSync(join(tmpdir(), 'omnigate-killed-'))
    t.after(() => rmSync(top, { recursive: true, force: true }))
    const data = join(top, 'hub')
    const told: number[] = []
    let hub = ''
    for (let kill = 0; kill < KILLS; kill++) {
      await using node = started(data)
      hub = String((await node.firstJson())['hub_id'])
      await using admin = await connectAdmin(data)
      // They are made one after the other; the process is killed in the middle of one of them, another each time.
      const asked = Array.from({ length: AT_ONCE }, () => admin.snapshots.snapshot_make({}))
      const settled = Promise.allSettled(asked)
      const first = await asked[kill % AT_ONCE]!
      process.kill(node.pid, 'SIGKILL')
      for (const answer of await settled) if (answer.status === 'fulfilled') told.push(answer.value.seq)
      assert.ok(told.includes(first.seq))
    }

    await using node = started(data)
    await node.firstJson()
    await using admin = await connectAdmin(data)
    const { snapshots } = await admin.snapshots.snapshot_list({})
    const kept = snapshots.toReversed()
    const numbers = kept.map(({ seq }) => seq)

    assert.deepEqual(
      numbers,
      [...new Set(numbers)].sort((a, b) => a - b)
    )
    // Of older ones only so many are kept.
    assert.deepEqual(
      told.filter(seq => seq >= numbers[0]! && !numbers.includes(seq)),
      []
    )
    assert.deepEqual(readdirSync(join(data, 'snapshots', 'own')).sort(), numbers.map(String).sort())
    const trust = { key: hub, nowS: Math.floor(Date.now() / 1000) }
    for (const [n, { folder }] of kept.entries()) {
      const verdict: SealVerdict = await verifySnapshot(folder, {
        ...trust,
        ...(n > 0 && { after: kept[n - 1]!.folder })
      })
      assert.deepEqual([verdict.ok, verdict.about], [true, undefined], folder)
      if (MINISIGN) accepted(folder)
    }
  }
)

function accepted(folder: string): void {
  const args = ['-V', '-m', join(folder, 'sha256.json'), '-p', join(folder, 'minisign.pub')]
  const { status, stdout, stderr } = spawnSync('minisign', args, { encoding: 'utf8' })
  assert.equal(status, 0, stdout + stderr)
}

const started = (data: string): Child =>
  new Child(
    process.execPath,
    [LAUNCHER, 'start', '--data', data, '--init', '--json', '--listen', '/ip4/127.0.0.1/tcp/0'],
    { OMNIGATE_HTTP__ENABLED: 'false', OMNIGATE_LOG__LEVEL: 'error' }
  )
