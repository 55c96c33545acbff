import assert from 'node:assert/strict'
import test from 'node:test'
import { loadConfig } from '../config/index.ts'
import { nodeBase } from './base.ts'

const { config } = loadConfig({ flags: { 'log.level': 'silent' } })

test('a node asks whoever is named for it how late its event loop is, else a clock of its own', async () => {
  await using started = new AsyncDisposableStack()
  const loopDelay = { tick: () => undefined, take: () => 0 }

  const named = nodeBase(config, { loopDelay }, started)
  const own = nodeBase(config, {}, started)

  assert.equal(named.loopDelay, loopDelay)
  own.loopDelay.tick(1000)
  assert.equal(own.loopDelay.take(1100), 75)
})
