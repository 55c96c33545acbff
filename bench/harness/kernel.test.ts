import assert from 'node:assert/strict'
import { performance } from 'node:perf_hooks'
import { test } from 'node:test'
import { amountPerSecond } from './kernel.ts'

test('counts what the kernel did, over the time that it took', () => {
  let runs = 0
  const started = performance.now()

  const perSecond = amountPerSecond({ name: 'ten at a time', run: () => (runs++, 10) }, 20)

  const atMostSeconds = (performance.now() - started) / 1000
  assert.ok(perSecond >= (runs * 10) / atMostSeconds)
  assert.ok(perSecond <= (runs * 10) / 0.02)
})
