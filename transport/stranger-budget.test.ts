import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { StrangerBudget } from './stranger-budget.ts'

const BUSY = 0.9

/** A busy budget of a quarter, and its clock. */
function busyBudget(share = 0.25) {
  const budget = new StrangerBudget(share, 0)
  budget.sample(BUSY, false)
  return budget
}

/** How many come in within so long, each of whom costs `costMs` at once, asked every millisecond. */
function letIn(
  budget: StrangerBudget,
  { from, ms, costMs }: { from: number; ms: number; costMs: number }
): number {
  let count = 0
  for (let now = from; now < from + ms; now++)
    while (budget.dueIn(false, now) === 0) {
      budget.letIn(now)
      const cost = budget.open()
      cost.spend(costMs)
      cost.end()
      count++
    }
  return count
}

describe('the budget of strangers', () => {
  test('lets everybody in at once while the loop is idle', () => {
    const budget = new StrangerBudget(0.25, 0)

    for (let i = 0; i < 10_000; i++) {
      assert.equal(budget.dueIn(false, 0), 0)
      budget.letIn(0)
    }
  })

  test('gives them their share of a busy loop, whatever each of them costs', () => {
    for (const costMs of [2, 15, 50]) {
      const budget = busyBudget()
      // What the first ones do not cost, or cost beyond the guess, has to be learned.
      letIn(budget, { from: 0, ms: 20_000, costMs })

      const count = letIn(budget, { from: 20_000, ms: 20_000, costMs })

      const share = (count * costMs) / 20_000
      assert.ok(share > 0.2 && share < 0.3, `${costMs} ms each: ${share}`)
    }
  })

  test('charges what those who are there go on costing', () => {
    const budget = busyBudget()
    const cost = budget.open()
    letIn(budget, { from: 0, ms: 1000, costMs: 15 })

    cost.spend(500)

    assert.equal(letIn(budget, { from: 1000, ms: 1000, costMs: 15 }), 4)
    assert.ok(budget.spentMs > 500)
  })

  test('lets one in every 250 ms whatever they cost, every 100 ms from where a hub has proved itself', () => {
    const budget = busyBudget()
    budget.open().spend(60_000)
    budget.letIn(0)

    assert.equal(budget.dueIn(false, 0), 250)
    assert.equal(budget.dueIn(true, 0), 100)
    assert.equal(budget.dueIn(true, 99), 1)
    assert.equal(budget.dueIn(false, 250), 0)
  })

  test('owes no more than a second, so that a flood is paid off in four', () => {
    const budget = busyBudget()
    budget.open().spend(60_000)

    assert.equal(letIn(budget, { from: 0, ms: 4000, costMs: 1 }), 16)
    assert.ok(letIn(budget, { from: 4000, ms: 1000, costMs: 1 }) > 20)
  })

  test('saves no more than 250 ms, however long it was quiet', () => {
    const budget = busyBudget()

    assert.equal(letIn(budget, { from: 3_600_000, ms: 1, costMs: 100 }), 3)
  })

  test('gives back what one paid who became known, also where it was measured', () => {
    const budget = busyBudget()
    for (let i = 0; i < 1000; i++) {
      assert.equal(budget.dueIn(false, 0), 0, `of the ${i}th`)
      budget.letIn(0)
      const cost = budget.open()
      cost.spend(40)
      cost.forgive()
      cost.end()
    }
  })

  test('takes the average for one whose input is not measured', () => {
    const budget = busyBudget()
    const count = { in: 0 }
    while (budget.dueIn(false, 0) === 0) {
      budget.letIn(0)
      budget.open(false).end()
      count.in++
    }

    assert.equal(count.in, 25)
  })

  test('learns that strangers cost little, and does not let in the next as if they were dear', () => {
    const budget = busyBudget()
    for (let i = 0; i < 200; i++) budget.open().end()

    assert.ok(letIn(budget, { from: 0, ms: 1, costMs: 1 }) > 150)
  })

  test('is busy from half of the time on, until it is a third and nobody waits', () => {
    const budget = new StrangerBudget(0.25, 0)
    const after = (utilisation: number, isAnybodyWaiting: boolean): boolean => {
      budget.sample(utilisation, isAnybodyWaiting)
      return budget.isBusy
    }

    assert.equal(after(0.49, true), false)
    assert.equal(after(0.5, false), true)
    assert.equal(after(0.4, false), true)
    assert.equal(after(0.2, true), true)
    assert.equal(after(0.35, false), false)
  })

  test('knows no bound where strangers may have all of it', () => {
    const budget = busyBudget(1)
    budget.open().spend(60_000)
    budget.letIn(0)

    assert.equal(budget.dueIn(false, 0), 0)
  })
})
