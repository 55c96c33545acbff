import assert from 'node:assert/strict'
import { test } from 'node:test'
import { delegate } from '../../federation/index.ts'
import { OwnKeys } from './own-keys.ts'
import type { OwnRecords } from './own-keys.ts'
import { signer } from './signers.fixture.ts'

test('two keys that are made at once are both told, although the folder was read for one while the other was signed for', async () => {
  const hub = signer(1)
  const delegations = ([2, 3] as const).map(n =>
    delegate(hub.key, {
      hub: hub.hub,
      node: 'main',
      role: 'witness',
      key: signer(n).hex,
      not_before: 1,
      not_after: 2,
      epoch: n
    })
  )
  const reads: ((records: OwnRecords) => void)[] = []
  const own = new OwnKeys(() => new Promise(resolve => reads.push(resolve)))
  const answer = async (n: number, signed: number): Promise<void> => {
    while (reads[n] === undefined) await Promise.resolve()
    reads[n]({ delegations: delegations.slice(0, signed), revocations: [], successions: [] })
  }

  const [first, second] = [own.reload(), own.reload()]
  // The later reading ends first where nothing makes it wait.
  if (reads.length > 1) await answer(1, 2)
  await answer(0, 1)
  await answer(1, 2)

  assert.deepEqual([(await first).length, (await second).length], [1, 1])
  assert.equal(own.page(0).total, 2)
})
