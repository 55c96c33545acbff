import assert from 'node:assert/strict'
import test from 'node:test'
import { HANDSHAKE, LEAST_TREATY, canonicalJson, grantOf } from '../../federation/index.ts'
import type { Treaty } from '../../federation/index.ts'
import type { OapError } from '../../protocols/index.ts'
import { ConfigError, loadConfig } from '../config/index.ts'
import { CheckedRows } from '../stores/checked-rows.ts'
import { openLevel } from '../stores/level.ts'
import { CLINIC, NOW_S, SELF, TENANT } from './allowlist.fixture.ts'
import { Allowlist, PEER_ROWS } from './allowlist.ts'
import { treatyOf } from './admin-handlers.ts'
import { configuredHubs } from './configured.ts'

const LOCAL = { actor: 'local' }
const TOO_LONG = /more than 32768 bytes go to the other hub/

/** A treaty of 64 rows with topics of so many characters. */
const treaty = (chars: number): Treaty => ({
  ...LEAST_TREATY,
  rows: Array.from({ length: 64 }, (_, n) => ({
    share: { id: n.toString(16).padStart(32, '0'), name: `s${n}` },
    dir: 'both',
    tenant: TENANT,
    topics: Array.from({ length: 4 }, (__, at) => `${'x'.repeat(chars)}/${at}`),
    relay: false
  }))
})
const onWire = (chars: number): number => Buffer.byteLength(canonicalJson(grantOf(treaty(chars))))
/** The longest topics with which it is taken. */
const MOST = Array.from({ length: 200 }, (_, n) => n).findLast(chars => onWire(chars) <= 32_768)!
const bytes = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value))

async function opened() {
  const level = await openLevel('memory')
  const damaged: string[] = []
  const allowlist = () =>
    Allowlist.open(() => level, {
      self: SELF,
      configured: [],
      record: () => Promise.resolve(),
      isTenant: () => true,
      seconds: () => NOW_S,
      onDamaged: hub => damaged.push(hub)
    })
  return { level, damaged, allowlist }
}

test('every treaty that is taken fits into a handshake', () => {
  assert.ok(onWire(MOST) > 32_000)
  assert.ok(onWire(MOST) <= HANDSHAKE.grantBytes)
})

test('a treaty that is too long for a handshake is refused where it is given, with what is wrong', async () => {
  const allowlist = await (await opened()).allowlist()

  assert.equal(treatyOf(allowlist, bytes(treaty(MOST))).rows.length, 64)
  assert.throws(
    () => treatyOf(allowlist, bytes(treaty(MOST + 1))),
    (error: OapError) => error.code === 'bad_request' && TOO_LONG.test(error.message)
  )
})

test('one in the configuration is refused by the start, by its path', async () => {
  const { config } = loadConfig({
    flags: { 'federation.peers': [{ hub: CLINIC, treaty: treaty(MOST + 1) }] }
  })

  await assert.rejects(configuredHubs(config, SELF), (error: unknown) => {
    assert.ok(error instanceof ConfigError)
    assert.match(error.problems.join(), /^federation\.peers\[0\]\.treaty: more than 32768 bytes/)
    return true
  })
})

test('one that was written to the store by another way allows nobody', async () => {
  const { level, damaged, allowlist } = await opened()
  await (await allowlist()).add({ hub: CLINIC, addresses: [], note: '', treaty: treaty(MOST) }, LOCAL)
  assert.equal((await allowlist()).size, 1)

  const row = { addresses: [], note: '', treaty: treaty(MOST + 1), changedAt: NOW_S }
  await new CheckedRows(() => level, PEER_ROWS).put([{ key: CLINIC, value: row }])

  assert.deepEqual([(await allowlist()).size, damaged], [0, [CLINIC]])
})
