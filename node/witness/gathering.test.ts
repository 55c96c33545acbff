import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { emptyBook, readLogDelegation } from '../../federation/index.ts'
import { openLevel } from '../stores/level.ts'
import { Gathering } from './gathering.ts'
import { leavesOf, logHub, logOf } from './log.fixture.ts'

test('a witness that never cosigns is asked ever less often, and what it says is logged once', async t => {
  const level = await openLevel('memory')
  t.after(() => level.close())
  const log = logOf(leavesOf(3))
  const rounds: number[] = []
  const warned: number[] = []
  let nowMs = 0
  const gathering = await Gathering.open({
    log: () => ({ checkpoint: async () => (rounds.push(nowMs / 1000), log.note(3)) }) as never,
    logKey: async () => ({
      key: readLogDelegation(`${log.delegation}\n`, logHub.id),
      delegation: log.delegation
    }),
    level: () => level,
    links: () => [{ hub: 'other' } as never],
    isWitness: () => true,
    bookOf: emptyBook,
    nowMs: () => nowMs,
    logger: { warn: () => warned.push(nowMs / 1000), debug: () => undefined } as never
  })

  for (; nowMs <= 200_000; nowMs += 1000) {
    gathering.tick()
    for (let n = 0; n < 5; n++) await turn()
  }

  assert.deepEqual(rounds, [0, 5, 15, 35, 75, 135, 195])
  assert.deepEqual(warned, [0])
})
