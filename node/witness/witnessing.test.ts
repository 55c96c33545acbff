import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  LEAST_TREATY,
  WITNESS,
  cosignatures,
  cosigningKey,
  formatWitnessRequest,
  hubId,
  publicBytes,
  signingKey
} from '../../federation/index.ts'
import type { Equivocation } from '../../federation/index.ts'
import { OapError } from '../../protocols/index.ts'
import { CheckedRows } from '../stores/checked-rows.ts'
import { openLevel } from '../stores/level.ts'
import type { Level } from '../stores/level.ts'
import { leavesOf, logOf, logHub } from './log.fixture.ts'
import { WITNESS_ROWS, WitnessedLogs } from './witnessed-logs.ts'
import { Witnessing } from './witnessing.ts'

const KEY = signingKey(new Uint8Array(32).fill(50))
const NAME = `${hubId(publicBytes(KEY))}/main/witness`
const HUB = logHub.id
const NOW_S = 1_795_000_000

async function witness({
  level,
  skewS = 0,
  duty = true,
  quarantined = false,
  hasKey = true
}: {
  readonly level?: Level
  readonly skewS?: number
  readonly duty?: boolean
  readonly quarantined?: boolean
  readonly hasKey?: boolean
} = {}) {
  const store = level ?? (await openLevel('memory'))
  const logs = await WitnessedLogs.open(() => store)
  const found: Equivocation[] = []
  const told: string[] = []
  let ms = 0
  const witnessing = new Witnessing({
    cosigner: async () => (hasKey ? { name: NAME, key: KEY } : undefined),
    logs,
    allowed: hub => ({ hub, treaty: { ...LEAST_TREATY, witness: duty } }) as never,
    quarantine: () => (quarantined ? 'it lied' : undefined),
    cosigned: (hub, { size }) => void told.push(`${hub === HUB} ${size}`),
    found: async proof => void found.push(proof),
    now: () => ({ ms, s: NOW_S })
  })
  const ask = (log: ReturnType<typeof logOf>, old: number, size: number, pass = 10_000) => {
    ms += pass
    const { request, oldRoot, delegation } = log.asks(old, size)
    const asked = {
      old_root: Buffer.from(oldRoot).toString('hex'),
      delegation,
      body: Buffer.from(formatWitnessRequest(request))
    }
    return witnessing.answer(asked, { hub: HUB, peer: { skewS } as never })
  }
  return { store, logs, found, told, ask, witnessing }
}

const refusal = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'none',
    (error: unknown) => {
      assert.ok(error instanceof OapError, String(error))
      return error.reason === undefined ? error.code : `${error.code} ${error.reason}`
    }
  )

test('what was seen is on disk before the cosignature leaves, and outlives the process', async () => {
  const log = logOf(leavesOf(30))
  const { store, ask } = await witness()

  const { result, body } = await ask(log, 0, 20)

  assert.equal(result, 'cosigned')
  const key = cosigningKey(NAME, publicBytes(KEY))
  const line = Buffer.from(body!).toString()
  assert.deepEqual(cosignatures(log.note(20) + line, [key]), [{ name: NAME, at: NOW_S }])
  const again = await witness({ level: store })
  assert.equal(again.logs.seenOf(log.origin)!.at(-1)!.size, 20)
  assert.deepEqual(await again.ask(log, 0, 30), { result: 'known', size: 20 })
  const forked = logOf(leavesOf(30, 3))
  assert.equal(await refusal(again.ask(forked, 0, 20)), 'equivocation')
  assert.equal(again.found.length, 1)
})

test('each head that is new is told on once', async () => {
  const log = logOf(leavesOf(30))
  const { ask, told } = await witness()
  await ask(log, 0, 20)
  await ask(log, 20, 20)
  await ask(log, 20, 25)

  assert.deepEqual(told, ['true 20', 'true 25'])
})

test('a cosignature does not leave when what was seen cannot be kept', async () => {
  const { store, ask } = await witness()
  await store.close()

  await assert.rejects(ask(logOf(leavesOf(3)), 0, 3))
})

test('one more log of a hub than there is room for is refused, and none forgotten', async () => {
  const { ask, logs } = await witness()
  const logOfLife = (n: number) => logOf(leavesOf(2), { id: n.toString(16).padStart(16, '0') })
  for (let n = 0; n < WITNESS.logsOfHub; n++) await ask(logOfLife(n), 0, 2)

  assert.equal(await refusal(ask(logOfLife(WITNESS.logsOfHub), 0, 2)), 'full')
  assert.equal(logs.size, WITNESS.logsOfHub)
  assert.equal((await ask(logOfLife(0), 2, 2)).result, 'cosigned')
})

test('what was seen and is damaged keeps its log from being cosigned', async () => {
  const log = logOf(leavesOf(30))
  const { store, ask } = await witness()
  await ask(log, 0, 20)
  await new CheckedRows(() => store, WITNESS_ROWS).put([{ key: `log/${log.origin}`, value: { seen: [] } }])

  const again = await witness({ level: store })
  assert.equal(await refusal(again.ask(log, 0, 30)), 'damaged')
})

test('hubs that take all the room leave a little for each other', async () => {
  const { ask, logs } = await witness()
  const log = logOf(leavesOf(2))
  await ask(log, 0, 2)
  const seen = logs.seenOf(log.origin)!
  await logs.forget(HUB, logs.of(HUB))
  for (let n = 0; n < WITNESS.logs; n++) {
    const key = signingKey(new Uint8Array(32).fill(100 + Math.floor(n / WITNESS.logsOfHub)))
    const other = hubId(publicBytes(key))
    await logs.keep(`${other}/main/${n.toString(16).padStart(16, '0')}`, seen)
  }
  const logOfLife = (n: number) => logOf(leavesOf(2), { id: n.toString(16).padStart(16, '0') })

  for (let n = 0; n < WITNESS.logsReserved; n++)
    assert.equal((await ask(logOfLife(n), 0, 2)).result, 'cosigned')
  assert.equal(await refusal(ask(logOfLife(WITNESS.logsReserved), 0, 2)), 'full')
})

test('what an operator has forgotten of a hub makes room, and is seen anew', async () => {
  const { store, ask, logs } = await witness()
  const logOfLife = (n: number) => logOf(leavesOf(2), { id: n.toString(16).padStart(16, '0') })
  for (let n = 0; n < WITNESS.logsOfHub; n++) await ask(logOfLife(n), 0, 2)
  await logs.keep('other log', logs.seenOf(logOfLife(0).origin)!)

  assert.equal(logs.of(HUB).length, WITNESS.logsOfHub)
  await logs.forget(HUB, logs.of(HUB))

  assert.deepEqual([logs.of(HUB), logs.size], [[], 1])
  assert.equal((await ask(logOfLife(WITNESS.logsOfHub), 0, 2)).result, 'cosigned')
  const again = await witness({ level: store })
  assert.deepEqual([again.logs.of(HUB).length, again.logs.size], [1, 2])
  await again.logs.forget(HUB, again.logs.of(HUB))
  assert.equal((await again.ask(logOfLife(0), 0, 2)).result, 'cosigned')
})

test('who asks is judged first: duty, quarantine, clock, key, rate', async () => {
  const log = logOf(leavesOf(5))
  const by = async (how: Parameters<typeof witness>[0]) => refusal((await witness(how)).ask(log, 0, 5))
  assert.equal(await by({ duty: false }), 'cap_denied witness')
  assert.equal(await by({ quarantined: true }), 'cap_denied quarantine')
  assert.equal(await by({ skewS: 61 }), 'skew')
  assert.equal(await by({ skewS: -61 }), 'skew')
  assert.equal(await by({ skewS: 60 }), 'none')
  assert.equal(await by({ hasKey: false }), 'no_key')
  const { ask } = await witness()
  for (let n = 0; n < 16; n++) await ask(log, 0, 5, 0)
  assert.equal(await refusal(ask(log, 0, 5, 0)), 'quota_peer')
  assert.equal(await refusal(ask(log, 0, 5, 2000)), 'none')
})

test('a body of another form is bad_request', async () => {
  const { witnessing } = await witness()
  const asked = { old_root: '00'.repeat(32), delegation: '{}', body: Buffer.from('old 1') }
  const call = witnessing.answer(asked, { hub: HUB, peer: { skewS: 0 } as never })
  assert.equal(await refusal(call), 'bad_request')
})
