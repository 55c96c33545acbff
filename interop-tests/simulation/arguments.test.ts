import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UsageError, listText, simulateArguments } from './arguments.ts'

const seed = (): number => 7

test('a run without arguments is of 100 hubs and one drawn seed', () => {
  assert.deepEqual(simulateArguments([], seed), {
    is: 'simulate',
    hubs: 100,
    steps: 200,
    seed: 7,
    seeds: 1,
    only: undefined,
    events: undefined,
    breakage: undefined
  })
})

test('takes what a run that failed has printed', () => {
  const args = '--hubs 9 --steps 30 --seed 4 --only 0,3-5 --events 2,7 --break forget'.split(' ')

  const asked = simulateArguments(args, seed)

  assert.ok(asked.is === 'simulate')
  assert.deepEqual([asked.hubs, asked.steps, asked.seed, asked.breakage], [9, 30, 4, 'forget'])
  assert.equal(listText(asked.only ?? []), '0,3-5')
  assert.equal(listText(asked.events ?? []), '2,7')
})

test('takes the numbers of hubs that costs are measured for', () => {
  assert.deepEqual(simulateArguments(['--cost', '--hubs', '4,8'], seed), { is: 'cost', hubs: [4, 8] })
})

for (const line of [
  '--hub 3',
  '--hubs',
  '--hubs 1',
  '--hubs 1001',
  '--seed -1',
  '--steps x',
  '--only 5-3',
  '--only 1-2-3',
  '--break nothing',
  '--seeds 2 --events 3',
  '--cost --seed 3',
  '7'
])
  test(`refuses ${line}`, () => {
    assert.throws(() => simulateArguments(line.split(' '), seed), UsageError)
  })
