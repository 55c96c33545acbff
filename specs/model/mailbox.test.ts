import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { explore } from './explore.ts'
import type { Model } from './explore.ts'
import { mailboxModel } from './mailbox.ts'
import type { Bounds, Mistakes } from './mailbox.ts'

const MOST = 3_000_000
const BOUNDS: Bounds = { keys: { a: 1, b: 1, c: 0 }, sends: 3, crashes: 1, leases: 3 }
const DEEP: Bounds = { keys: { a: 0 }, sends: 3, crashes: 2, leases: 4 }
const ACTIONS = ['Send', 'StartWrite', 'FinishWrite', 'Deliver', 'Expire', 'Ack', 'Nack', 'Crash']

/** With as many states as TLC finds in specs/mailbox.tla: whoever changes one of the two runs the other, too. */
const WHOLE: readonly (readonly [string, Bounds, number])[] = [
  ['three messages of two priorities', BOUNDS, 170_386],
  ['one key and two crashes', DEEP, 9449]
]

for (const [what, bounds, foundByTlc] of WHOLE)
  test(`no invariant of the mailbox breaks: ${what}`, () => {
    const { broken, states, actions } = explore(mailboxModel(bounds), MOST)

    assert.equal(broken, undefined)
    assert.equal(states, foundByTlc)
    assert.deepEqual(Object.keys(actions).sort(), [...ACTIONS].sort())
  })

const FOUND: readonly (readonly [keyof Mistakes, Bounds, string])[] = [
  ['confirmsBeforeWriting', BOUNDS, 'NoLostAck'],
  ['ignoresBoot', DEEP, 'NoStaleAckAccepted'],
  ['ignoresAttempt', DEEP, 'NoStaleAckAccepted'],
  ['returnsToTheEnd', BOUNDS, 'FifoWithinPriority'],
  ['keepsCursorInCrash', BOUNDS, 'FifoWithinPriority'],
  ['forgetsKeysUnderWay', BOUNDS, 'OneMessagePerKey']
]

for (const [mistake, bounds, invariant] of FOUND)
  test(`a mailbox that ${mistake} breaks ${invariant}`, () => {
    const { broken } = explore(mailboxModel(bounds, { [mistake]: true }), MOST)

    assert.equal(broken?.invariant, invariant)
    assert.ok(broken.way.length >= 1)
  })

test('the model in TLA+ has the same actions and invariants', () => {
  const text = readFileSync(new URL('../mailbox.tla', import.meta.url), 'utf8')
  const defined = [...text.matchAll(/^(\w+)(?:\([^)]*\))?\s*==/gm)].map(([, name]) => name)
  const { invariants } = mailboxModel(BOUNDS)

  for (const name of [...ACTIONS, ...Object.keys(invariants)]) assert.ok(defined.includes(name), name)
})

test('the explorer finds the shortest way to a state that breaks an invariant', () => {
  const model: Model<number> = {
    initial: 0,
    steps: n => [
      ['Double', n * 2],
      ['Inc', n + 1]
    ],
    invariants: { Small: n => n < 5 }
  }

  const { broken } = explore(model, 100)

  assert.deepEqual([broken?.invariant, broken?.way.length], ['Small', 4])
})

test('the explorer does not go on for ever', () => {
  const model: Model<number> = { initial: 0, steps: n => [['Inc', n + 1]], invariants: {} }

  assert.throws(() => explore(model, 100), /more than 100 states/)
})
