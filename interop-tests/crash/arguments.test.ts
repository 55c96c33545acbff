import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UsageError, crashArguments } from './arguments.ts'

const seed = (): number => 7

test('a run without arguments is a full one', () => {
  assert.deepEqual(crashArguments([], seed), { kills: 200, cuts: 100, damages: 100, blobs: 100, seed: 7 })
})

test('takes what is given', () => {
  assert.deepEqual(crashArguments(['--kills', '3', '--cuts', '0', '--blobs', '5', '--seed', '9'], seed), {
    kills: 3,
    cuts: 0,
    damages: 100,
    blobs: 5,
    seed: 9
  })
})

test('takes every seed that a run may have drawn and printed', () => {
  assert.equal(crashArguments(['--seed', '4294967295'], seed).seed, 4_294_967_295)
})

for (const args of [['--kill', '3'], ['--kills'], ['--kills', '-1'], ['--kills', 'x'], ['7']])
  test(`refuses ${args.join(' ')}`, () => {
    assert.throws(() => crashArguments(args, seed), UsageError)
  })
