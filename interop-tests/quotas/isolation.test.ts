import assert from 'node:assert/strict'
import test from 'node:test'
import { HelperProcess } from '../redteam/loads/helper-process.ts'
import { assertCounted, scraped } from './counted.ts'
import type { Serving } from './node-process.ts'
import { readTold, together } from './told.ts'
import type { SentTold } from './told.ts'

const ROUNDS = 3
const CALLS = 600
const RATIO_MOST = 2
/** Below this a p99 says more about who got the processor than about the node. */
const FLOOR_MS = 3
const NODE = new URL('./node-process.ts', import.meta.url)
const CALLER = new URL('./caller-process.ts', import.meta.url)

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!

const toldOf = async (caller: HelperProcess) => readTold(await caller.ask<SentTold>('told'))

test('a storm of one peer beyond its quota leaves the p99 of another within twice its quiet value', async t => {
  await using node = new HelperProcess(NODE, [])
  const { address, http } = await node.ask<Serving>('start')
  const callerOf = async (tenant: string) =>
    new HelperProcess(CALLER, [address, await node.ask<string>('mint', { tenant })])
  await using honest = await callerOf('quiet')
  await using loud = await callerOf('default')
  const p99 = () => honest.ask<number>('measure', { calls: CALLS })
  await p99()
  const rounds: { quiet: number; stormed: number }[] = []
  for (let i = 0; i < ROUNDS; i++) {
    const quiet = await p99()
    await loud.ask('storm')
    const stormed = await p99()
    await loud.ask('stop')
    rounds.push({ quiet, stormed })
    t.diagnostic(`p99 quiet ${quiet.toFixed(2)} ms, in the storm ${stormed.toFixed(2)} ms`)
  }

  const told = { honest: await toldOf(honest), loud: await toldOf(loud) }
  const refused = told.loud.codes.get('quota_tenant') ?? 0
  t.diagnostic(`${refused} of ${told.loud.calls} calls of the storm were refused`)
  assert.deepEqual([...told.honest.statuses.keys()], [0])
  assert.deepEqual([...told.loud.codes.keys()], ['quota_tenant'])
  assert.ok(refused > 1000 * ROUNDS, `${refused} refusals are no storm`)
  assertCounted(await scraped(http), together([told.honest, told.loud]))
  const excess = median(rounds.map(({ quiet, stormed }) => stormed / Math.max(RATIO_MOST * quiet, FLOOR_MS)))
  assert.ok(excess <= 1, `in the median round ${excess.toFixed(2)} times what is allowed`)
})
