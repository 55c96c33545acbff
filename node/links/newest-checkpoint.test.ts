import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { test } from 'node:test'
import { NewestCheckpoint } from './newest-checkpoint.ts'

test('takes a checkpoint every ten seconds, one at a time, and keeps the last where one fails', async () => {
  let taken = 0
  let next: () => Promise<string> | undefined = () => Promise.resolve('first')
  const newest = new NewestCheckpoint(() => {
    taken++
    return next()
  })
  const at = async (ms: number) => {
    newest.tick(ms)
    await turn()
    return newest.note
  }

  assert.equal(newest.note, undefined)
  assert.equal(await at(0), 'first')
  next = () => {
    throw new Error('not open')
  }
  assert.equal(await at(9999), 'first')
  assert.equal(taken, 1)
  assert.equal(await at(10_000), 'first')
  next = () => new Promise(() => undefined)
  assert.equal(await at(20_000), 'first')
  assert.equal(await at(30_000), 'first')
  assert.equal(taken, 3)
})
