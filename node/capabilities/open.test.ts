import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { openDataFolder } from '../data-folder.ts'
import { ephemeralKeys } from '../ephemeral-keys.ts'
import { initKeys, loadKeys } from '../keys.ts'
import { openLevel } from '../stores/level.ts'
import type { CapabilityEvent } from './audit.ts'
import { PEER } from './capabilities.fixture.ts'
import { openCapabilities } from './open.ts'
import type { CapabilityWarning } from './open.ts'
import { SteadyClock } from './steady-clock.ts'

const OPERATOR = { actor: 'local' }

test('what one process gave out and took back is there for the next one on the data folder', async t => {
  const path = scratch(t)
  let kid: number
  {
    await using first = await openOn(path)
    await first.hub.rotate({}, OPERATOR)
    const { capId } = await first.hub.mint({ verb: 'echo:call', tenant: 'default', peer: PEER }, OPERATOR)
    await first.hub.revoke({ cap_id: capId }, 'lost', OPERATOR)
    kid = first.hub.keys.current
  }

  await using second = await openOn(path)

  assert.deepEqual([second.hub.keys.current, kid, second.hub.revocationSeq], [2, 2, 1])
  assert.equal(second.hub.list().length, 1)
  assert.deepEqual(
    second.hub.tenants().map(({ name }) => name),
    ['default']
  )
  assert.deepEqual(second.events, [])
  assert.equal(second.hub.revocationsFrom(0).delegations.length, 1)
})

test('keeps no token, and nothing that one could be made of, outside the file of root keys', async t => {
  const path = scratch(t)
  const secrets: string[] = []
  {
    await using node = await openOn(path)
    const { token } = await node.hub.mint(
      { verb: 'echo:call', tenant: 'default', bearer: true, subject: 'robot-7' },
      OPERATOR
    )
    secrets.push(Buffer.from(token).toString('base64url'), Buffer.from(token).toString('latin1'))
    secrets.push(
      Buffer.from(token.subarray(-32)).toString('latin1'),
      Buffer.from(token.subarray(-32)).toString('hex')
    )
    secrets.push('robot-7')
  }

  for (const file of readdirSync(path, { recursive: true, withFileTypes: true })) {
    if (!file.isFile()) continue
    const text = readFileSync(join(file.parentPath, file.name), 'latin1')
    for (const secret of secrets) assert.equal(text.includes(secret), false, file.name)
  }
})

test('a hub without a data folder has capabilities that end with the process', async () => {
  const level = await openLevel('memory')
  const keys = await ephemeralKeys('node1')
  const audit = { record: async () => {} }
  const clock = new SteadyClock()

  const hub = await openCapabilities({ folder: undefined, keys, level: () => level, audit, clock })

  assert.equal(hub.tenant('default').state, 'active')
  assert.equal((await hub.mint({ verb: 'a:b', tenant: 'default', bearer: true }, OPERATOR)).kid, 1)
})

test('says what it repaired', async t => {
  const path = scratch(t)
  await (await openOn(path))[Symbol.asyncDispose]()
  writeFileSync(join(path, 'capabilities', 'revocations.ndjson'), '{"signature"')

  await using node = await openOn(path)

  assert.deepEqual(node.warnings, [{ event: 'RevocationTailRepaired', bytes: 12 }])
})

async function openOn(path: string) {
  await using opened = new AsyncDisposableStack()
  const folder = opened.use(await openDataFolder(path, { create: true }))
  const nowMs = Date.now()
  if (!readdirSync(path).includes('keys')) await initKeys(folder.keys, { nodeName: 'node1', nowMs })
  const keys = await loadKeys(folder.keys, { nowMs })
  const level = await openLevel(folder.store)
  opened.defer(() => level.close())
  const events: CapabilityEvent[] = []
  const warnings: CapabilityWarning[] = []
  const hub = await openCapabilities({
    folder,
    keys,
    level: () => level,
    audit: { record: async event => void events.push(event) },
    clock: new SteadyClock(),
    warn: warning => warnings.push(warning)
  })
  const owned = opened.move()
  return { hub, events, warnings, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

function scratch(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'capabilities-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return join(folder, 'data')
}
