import assert from 'node:assert/strict'
import test from 'node:test'
import { makeCalls, outcomeOf } from './calls.ts'
import type { Echo } from './calls.ts'

test('an answer of other bytes is broken', async () => {
  const lies: Echo = {
    echo: () => Promise.resolve(Uint8Array.of(1)),
    stream: () => Promise.resolve({ head: undefined, body: piecesOf(new Uint8Array(10)) }),
    ticks: () => Promise.resolve(piecesOf({ n: 1 })),
    work: ({ ms }) => Promise.resolve({ ms })
  }

  const outcomes = await makeCalls(lies, 1)

  assert.deepEqual(new Set(outcomes.map(({ kind }) => kind)), new Set(['broken']))
})

test('an error without a documented code is broken', async () => {
  const outcome = await outcomeOf('call', 1000, () => Promise.reject(new Error('socket hang up')))

  assert.equal(outcome.kind, 'broken')
})

test('a call that never ends is broken', async () => {
  const outcome = await outcomeOf('call', 10, () => new Promise(() => {}))

  assert.equal(outcome.kind, 'broken')
})

async function* piecesOf<T>(piece: T): AsyncGenerator<T> {
  yield piece
}
