import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Dice, newSeed } from '../../faults/random.ts'
import type { Random } from '../load.ts'
import { cutBlobPower, fillBlobDisk, killBlobs } from './crashes.ts'
import type { BlobVerdict } from './crashes.ts'
import type { Rule } from './history.ts'

const RUNS_MOST = 8

test('kill -9 at random points of put, gc and delete leaves every blob whole or absent', async t => {
  const verdict = await killBlobs({ random: drawn(t) }, 12)

  assert.deepEqual(verdict.violations, [])
  assert.ok(verdict.steps > 20, `only ${verdict.steps} steps`)
})

test('power cuts at random points of put, gc and delete leave every blob whole or absent', async t => {
  const verdict = await cutBlobPower({ random: drawn(t) }, { cuts: 8, workMs: 1000 })

  assert.deepEqual(verdict.violations, [])
  assert.ok(verdict.steps > 10, `only ${verdict.steps} steps`)
})

test('on a full disk nothing half done is kept, and nothing that was answered is lost', async t => {
  const verdict = await fillBlobDisk({ random: drawn(t) }, { room: 3_000_000, workMs: 1500 })

  assert.deepEqual(verdict.violations, [])
  assert.ok(verdict.full > 0, 'the disk was never full')
})

test('a store that syncs no rows is found to lose blobs in a power cut', async t => {
  const isFound = await finds(['lost'], () =>
    cutBlobPower({ random: drawn(t), breakage: 'unsynced' }, { cuts: 8, workMs: 1500 })
  )

  assert.ok(isFound, 'nothing was lost')
})

test('a store that answers deletes before it makes them is found out when it is killed', async t => {
  const isFound = await finds(['came_back'], () => killBlobs({ random: drawn(t), breakage: 'early' }, 5))

  assert.ok(isFound, 'nothing came back')
})

test('a store that does not hold what a root names is found to have blobs that are not whole', async t => {
  const isFound = await finds(['not_whole', 'unsound'], () =>
    killBlobs({ random: drawn(t), breakage: 'unheld' }, 3).catch(foundItself)
  )

  assert.ok(isFound, 'all was whole')
})

/** Also when the broken store ends because a block is gone that a new root names. */
function foundItself(error: unknown): BlobVerdict {
  assert.match(String(error), /BlobError: the blob: [0-9a-f]{64} is missing/)
  const violation = { rule: 'not_whole', detail: String(error) } as const
  return { crashes: 1, steps: 0, violations: [violation] }
}

/** Whether one of the rules is broken in one of a few runs: where a store is struck is drawn, and not every place shows it. */
async function finds(broken: readonly Rule[], run: () => Promise<BlobVerdict>): Promise<boolean> {
  for (let n = 0; n < RUNS_MOST; n++) {
    const { violations } = await run()
    if (violations.some(({ rule }) => broken.includes(rule))) return true
  }
  return false
}

function drawn(t: { diagnostic(text: string): void }): Random {
  const seed = newSeed()
  t.diagnostic(`seed ${seed}`)
  const dice = new Dice(seed)
  return () => dice.between(0, 2 ** 30) / 2 ** 30
}
