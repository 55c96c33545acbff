import assert from 'node:assert/strict'
import { registerHooks } from 'node:module'
import { test } from 'node:test'
import { allow, startHub, until } from './hubs.fixture.ts'

const loaded = new Set<string>()
registerHooks({
  resolve(specifier, context, next) {
    if (/gossipsub|kad-dht/.test(specifier)) loaded.add(specifier)
    return next(specifier, context)
  }
})

test('a node with an empty allowlist does not even load gossip and DHT; with an entry it does', async t => {
  const a = await startHub(t)
  const b = await startHub(t)
  assert.deepEqual([...loaded], [])

  await allow(a, b)

  const libraries = ['@libp2p/gossipsub', '@libp2p/kad-dht']
  await until(async () => libraries.every(name => loaded.has(name)), 'both libraries')
})
