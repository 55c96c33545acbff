import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Dice, newSeed } from '../faults/random.ts'
import { damageStores } from './damages.ts'
import { fillDisk } from './full-disk.ts'
import { killAtRandom } from './kills.ts'
import type { Verdict } from './kills.ts'
import type { Random } from './load.ts'
import { cutPower } from './power-cuts.ts'

const BREAKAGES = fileURLToPath(new URL('breakages.ts', import.meta.url))
const WORK_MS = 1000
const RUNS_MOST = 8

test('kill -9, 20 times under load, loses nothing that was acknowledged', async t => {
  const verdict = await killAtRandom({ kills: 20, random: drawn(t) })

  assert.deepEqual(verdict.violations, [])
  assert.ok(verdict.sends > 100, `only ${verdict.sends} sends`)
  for (const place of ['the log', 'the metrics', 'the audit log'])
    assert.ok(verdict.search!.searched(place) > 0, `${place} was not searched`)
  assert.ok(verdict.sealedDead! > 0, 'no sealed message became a dead letter')
})

test('power cuts lose nothing that was acknowledged', async t => {
  const verdict = await cutPower({ cuts: 6, workMs: WORK_MS, random: drawn(t) })

  assert.deepEqual(verdict.violations, [])
  assert.ok(verdict.sends > 100, `only ${verdict.sends} sends`)
})

test('a store that was damaged says what is missing, or does not start', async t => {
  const verdict = await damageStores({ damages: 10, random: drawn(t) })

  assert.deepEqual(verdict.violations, [])
})

test('a full disk loses nothing that was acknowledged', async t => {
  const verdict = await fillDisk({ room: 1_000_000, workMs: WORK_MS, random: drawn(t) })

  assert.deepEqual(verdict.violations, [])
  assert.ok(verdict.failed > 0, 'the disk was never full')
})

test('a disk that was full and has room again, under the same node, loses nothing that was acknowledged', async t => {
  const random = drawn(t)
  const verdict = await fillDisk({ room: 300_000, fullMs: 100, workMs: 10 * WORK_MS, random })

  assert.deepEqual(verdict.violations, [])
  assert.ok(verdict.failed > 0, 'the disk was never full')
  assert.ok(verdict.recovered > 100, `only ${verdict.recovered} sends were taken once there was room`)
})

test('a store that syncs nothing is found to lose messages in a power cut', async t => {
  const env = broken('unsynced')
  const isFound = await finds('lost', () => cutPower({ cuts: 2, workMs: WORK_MS, random: drawn(t), env }))

  assert.ok(isFound, 'nothing was lost')
})

test('a store that answers before it writes is found to lose messages when it is killed', async t => {
  const env = broken('early')
  const isFound = await finds('lost', () => killAtRandom({ kills: 3, random: drawn(t), env }))

  assert.ok(isFound, 'nothing was lost')
})

test('a store that keeps what was acknowledged is found to deliver it again', async t => {
  const env = broken('undeleted')
  const isFound = await finds('delivered_after_ack', () => killAtRandom({ kills: 2, random: drawn(t), env }))

  assert.ok(isFound, 'nothing came again')
})

test('a node that logs what is sealed is found to', async t => {
  const env = broken('telling')
  const isFound = await finds('shown', () => killAtRandom({ kills: 1, random: drawn(t), env }))

  assert.ok(isFound, 'nothing was shown')
})

/** Whether a broken rule shows in one of a few runs: where a store is struck is drawn, and not every place shows it. */
async function finds(rule: string, run: () => Promise<Verdict>): Promise<boolean> {
  for (let n = 0; n < RUNS_MOST; n++) if (rules(await run()).has(rule)) return true
  return false
}

function drawn(t: { diagnostic(text: string): void }): Random {
  const seed = newSeed()
  t.diagnostic(`seed ${seed}`)
  const dice = new Dice(seed)
  return () => dice.between(0, 2 ** 30) / 2 ** 30
}

const broken = (breakage: string): Readonly<Record<string, string>> => ({
  MAILBOX_BREAKAGE: breakage,
  NODE_OPTIONS: `--import=${BREAKAGES}`
})

const rules = ({ violations }: Verdict): Set<string> => new Set(violations.map(({ rule }) => rule))
