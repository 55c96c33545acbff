import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runTrial } from './trial.ts'

test(
  'three hubs that are split and healed, one of them killed, have all messages once',
  {
    timeout: 600_000
  },
  async t => {
    const size = { hubs: 3, phases: 3, phaseMs: 4000, sendsEach: 10, kills: true, agreeMs: 240_000 }

    const { sent, agreedMs, violations } = await runTrial(size, 1, line => t.diagnostic(line))

    t.diagnostic(`all agreed ${agreedMs.toFixed(0)} ms after the last healing`)
    assert.deepEqual(violations, [])
    assert.equal(sent, 90)
  }
)
