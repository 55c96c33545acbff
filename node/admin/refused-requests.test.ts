import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OapError, federationAdminOperations } from '../../protocols/index.ts'
import { OPERATOR_CALL } from '../capabilities/index.ts'
import { recordingRefusals } from './refused-requests.ts'
import type { RefusedRequestsOptions } from './refused-requests.ts'

const HOUR_MS = 3_600_000

/** Rows that all refuse, or throw what is given. */
function rows({
  thrown = new OapError('conflict', 'no', { code: 'already_allowed' }) as Error,
  ...options
}: Partial<RefusedRequestsOptions> & { readonly thrown?: Error } = {}) {
  const seen: string[] = []
  const clock = { ms: 0 }
  const fails = (): never => {
    throw thrown
  }
  const handlers = Object.fromEntries(Object.keys(federationAdminOperations).map(op => [op, fails]))
  const recorded = recordingRefusals(federationAdminOperations, handlers as never, {
    record: ({ operation, reason }) => Promise.resolve(seen.push(`${operation} ${reason}`)),
    missed: () => assert.fail('it was recorded'),
    now: () => clock.ms,
    ...options
  }) as unknown as Record<string, (request: unknown, call: unknown) => unknown>
  const ask = (op: string) => Promise.resolve().then(() => recorded[op]!({}, OPERATOR_CALL))
  return { ask, clock, seen }
}

test('what is refused is recorded before it is answered, with the reason of the closed list', async () => {
  const { ask, seen } = rows()

  await assert.rejects(ask('treaty_edit'), { code: 'already_allowed' })

  assert.deepEqual(seen, ['treaty_edit conflict'])
})

test('a row that changes nothing, and a crash, are no refusals', async () => {
  const refused = rows()
  const crashed = rows({ thrown: new Error('a defect') })

  await assert.rejects(refused.ask('treaty_check'), { code: 'already_allowed' })
  await assert.rejects(crashed.ask('treaty_edit'), /a defect/)

  assert.deepEqual([refused.seen, crashed.seen], [[], []])
})

test('a loop of refusals has 10 entries at once and 6 a minute, whatever rows it asks', async () => {
  const { ask, clock, seen } = rows()

  for (; clock.ms < HOUR_MS; clock.ms += 1000) {
    await assert.rejects(ask('treaty_edit'))
    await assert.rejects(ask('peer_import'))
  }

  assert.ok(seen.length >= 360 && seen.length <= 370, `${seen.length} entries`)
})

test('a refusal that cannot be recorded is answered as it is, and told', async () => {
  const missed: unknown[] = []
  const full = new Error('the disk is full')
  const { ask } = rows({ record: () => Promise.reject(full), missed: error => missed.push(error) })

  await assert.rejects(ask('treaty_edit'), { code: 'already_allowed' })

  assert.deepEqual(missed, [full])
})
