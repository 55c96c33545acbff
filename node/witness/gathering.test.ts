import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import {
  cosign,
  delegate,
  emptyBook,
  learnDelegation,
  parseNote,
  readLogDelegation
} from '../../federation/index.ts'
import { signer } from '../peer-keys/signers.fixture.ts'
import { openLevel } from '../stores/level.ts'
import { witnessName } from './cosigned-note.ts'
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

test('a log that has not grown since its witness cosigned it is not shown again, until it grows', async t => {
  const level = await openLevel('memory')
  t.after(() => level.close())
  const log = logOf(leavesOf(5))
  const witness = signer(40)
  const hub = signer(41)
  const learned = learnDelegation(
    emptyBook(hub.hub),
    delegate(hub.key, {
      hub: hub.hub,
      node: 'main',
      role: 'witness',
      key: witness.hex,
      not_before: 0,
      not_after: 2_000_000_000,
      epoch: 1
    })
  )
  assert.ok(learned.verdict === 'new')
  let [size, nowMs] = [3, 0]
  const shown: number[] = []
  const gathering = await Gathering.open({
    log: () =>
      ({
        origin: log.origin,
        size,
        checkpoint: async () => log.note(size),
        consistency: async () => ({ hashes: [] }),
        root: async () => new Uint8Array(32)
      }) as never,
    logKey: async () => ({
      key: readLogDelegation(`${log.delegation}\n`, logHub.id),
      delegation: log.delegation
    }),
    level: () => level,
    links: () => [
      {
        hub: hub.hub,
        caller: {
          client: () => ({
            witness: async () => {
              shown.push(size)
              const { text } = parseNote(log.note(size))
              const line = cosign(text, witnessName(hub.hub, 'main'), witness.key, 1_795_000_000)
              return { result: 'cosigned', size, body: Buffer.from(line) }
            }
          })
        }
      } as never
    ],
    isWitness: () => true,
    bookOf: () => learned.book,
    nowMs: () => nowMs,
    logger: { warn: (_: object, what: string) => assert.fail(what), debug: () => undefined } as never
  })
  const pass = async (seconds: number): Promise<void> => {
    for (const end = nowMs + seconds * 1000; nowMs < end; nowMs += 1000) {
      gathering.tick()
      for (let n = 0; n < 10; n++) await turn()
    }
  }

  await pass(200)
  assert.deepEqual(shown, [3])
  size = 4
  await pass(100)

  assert.deepEqual(shown, [3, 4])
})
