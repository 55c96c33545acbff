import assert from 'node:assert/strict'
import { test } from 'node:test'
import { signer } from '../peer-keys/signers.fixture.ts'
import { openLevel } from '../stores/level.ts'
import { LevelMailboxStore } from '../stores/mailbox/index.ts'
import { ShareRows } from './rows.ts'
import { Shares } from './shares.ts'
import type { SharesOptions } from './shares.ts'

const NOW_S = 1_795_000_000
const SHARE = '5f1d09c4a7e24be08c3a6d2f90b1e7c8'

test('what is withdrawn by the time at which it would be numbered gets no number, and its row goes away', async () => {
  const level = await openLevel('memory')
  const store = await LevelMailboxStore.open(level, { now: () => NOW_S * 1000, idemWindowMs: 1000 })
  const commit = async (
    beside: Parameters<Parameters<Shares['opened']>[1]['writeBeside']>[0]
  ): Promise<void> => void (await store.commit([{ do: 'beside', beside }]))
  const { hub, key, hex } = signer(1)
  const signs = { hub, node: 'core', key, publicKey: hex, epoch: 1, notBefore: 0, notAfter: NOW_S + 10 }
  let told = 0
  const options: Partial<SharesOptions> = {
    self: hub,
    agreements: { sharesOf: () => [SHARE], windowOf: () => 3600 } as never,
    signer: () => signs,
    now: () => ({ ms: 0, s: NOW_S }),
    nowMs: () => NOW_S * 1000,
    stored: () => void told++
  }
  const shares = new Shares(options as SharesOptions)
  const reading = { commit, log: undefined, isCutShort: false, onDamaged: () => undefined }
  const { book } = await shares.read(new ShareRows(level), reading)
  shares.opened(book, { deliver: async () => assert.fail('nothing is for the mailbox'), writeBeside: commit })
  const send = async (isWithdrawn: boolean): Promise<boolean> => {
    await level.put('row', Buffer.from('1'))
    const outgoing = { tenant: 'a', topic: 'ams/t_a', body: Buffer.from('{}') }
    return await shares.send(outgoing, [['row', undefined]], () => isWithdrawn)
  }

  assert.equal(await send(true), false)
  assert.deepEqual([book.own(SHARE).stored.last, await level.get('row'), told], [0, undefined, 0])
  assert.equal(await send(false), true)
  assert.deepEqual([book.own(SHARE).stored.last, await level.get('row'), told], [1, undefined, 1])
})
