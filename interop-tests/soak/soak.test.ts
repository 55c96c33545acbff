import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Plan } from './phases.ts'
import { soak } from './soak.ts'
import type { Readings } from './soak.ts'

setFlagsFromString('--expose-gc')
globalThis.gc ??= runInNewContext('gc') as NodeJS.GCFunction

/** A second of each life: enough to see that all of it is done, too short to say that nothing is kept. */
const PLAN: Plan = {
  restartsAtMs: [1000, 3000],
  lifeMs: 13_000,
  phases: { warmUpMs: 1000, windowMs: 3000, everyMs: 100 },
  settleMs: 0
}
const LEAK_BYTES = 1_000_000

test('restarts lose no acknowledged message and no availability; a client that leaks is found', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'omnigate-soak-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const told: Readings[] = []

  const report = await soak({
    plan: PLAN,
    seed: 1,
    leak: LEAK_BYTES,
    folder,
    told: readings => told.push(readings)
  })

  const { availability, restarts, messages, violations, latencies } = report
  t.diagnostic(JSON.stringify({ ...report, latencies: undefined }))
  assert.equal(restarts, 3)
  assert.equal(availability.share, 1)
  assert.ok(availability.calls > 50 && messages > 20, `${availability.calls} calls, ${messages} messages`)
  assert.ok(Object.keys(latencies).includes('echo') && Object.keys(latencies).includes('mailbox send'))
  assert.ok(told.length > 5)
  assert.ok(violations.some(violation => violation.startsWith('client: the heap grew by')))
  assert.deepEqual(
    violations.filter(violation => /\b(lost|came|called|open|ready|unclear)\b/.test(violation)),
    []
  )
})
