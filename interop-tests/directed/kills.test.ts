import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Dice } from '../faults/random.ts'
import { killEither } from './kills.ts'

const KILLS = 4

test('what is acknowledged is received once, whichever side is killed', async () => {
  const dice = new Dice(1)

  const { acknowledged, receipts, lost, twice, withoutReceipt } = await killEither({
    kills: KILLS,
    random: () => dice.between(0, 2 ** 30) / 2 ** 30
  })

  assert.ok(acknowledged > 0)
  assert.deepEqual({ lost, twice, withoutReceipt }, { lost: [], twice: [], withoutReceipt: [] })
  assert.equal(receipts, acknowledged)
})
