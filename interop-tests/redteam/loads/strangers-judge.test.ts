import assert from 'node:assert/strict'
import test from 'node:test'
import { boundsMet, strangersProblems } from './strangers-judge.ts'
import type { Pressed } from './strangers-judge.ts'

const MANY = 500
const PRESSED: Pressed = {
  attempts: 1200,
  connections: 900,
  mostAtOnce: 490,
  refusals: 300,
  thrownOut: 410,
  streamsOpened: 7200,
  resets: 1100,
  statuses: { 408: 700 }
}
const HELD = { heldBytes: 16 * 1024 * 1024, strangers: 490 }

test('strangers who press, meet bounds and hold no more than the budget leave nothing to say', () => {
  assert.deepEqual(strangersProblems(MANY, PRESSED, HELD), [])
})

test('a run in which no stranger connects shows nothing, whatever else is good', () => {
  const nobody: Pressed = {
    attempts: 1200,
    connections: 0,
    mostAtOnce: 0,
    refusals: 1200,
    thrownOut: 0,
    streamsOpened: 0,
    resets: 0,
    statuses: {}
  }

  assert.deepEqual(strangersProblems(MANY, nobody, { heldBytes: 0, strangers: 0 }), [
    '0 strangers were connected at once, fewer than 250 of 500: nobody pressed',
    'the node saw no strangers: it counts them among others'
  ])
})

test('strangers who open no streams, and those who meet no bound, are named', () => {
  const idle: Pressed = { ...PRESSED, streamsOpened: 3 }
  const unbounded: Pressed = { ...PRESSED, refusals: 0, thrownOut: 0, resets: 0, statuses: {} }

  assert.deepEqual(strangersProblems(MANY, idle, HELD), ['3 streams on 900 connections: nobody pressed'])
  assert.deepEqual(strangersProblems(MANY, unbounded, HELD), ['no stranger met a bound'])
})

test('a byte more than the budget is too much', () => {
  const held = (heldBytes: number): readonly string[] =>
    strangersProblems(MANY, PRESSED, { ...HELD, heldBytes })

  assert.deepEqual(held(67_108_864), [])
  assert.deepEqual(held(67_108_865), [
    'the node held 67108865 bytes of what came in, more than its budget of 67108864'
  ])
})

test('the bounds that strangers met are told with how often', () => {
  assert.deepEqual(boundsMet(PRESSED), [
    '300 connections refused',
    '410 connections closed by the node',
    '1100 streams reset',
    '700 answers of 408'
  ])
})
