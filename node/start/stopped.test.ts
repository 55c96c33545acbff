import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { directClient } from '../capabilities/index.ts'
import { loadConfig } from '../config/index.ts'
import { openDataFolder } from '../data-folder.ts'
import { initKeys } from '../keys.ts'
import { openStopped } from './stopped.ts'
import type { StoppedHub } from './stopped.ts'

const PEER = '12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN'
const { config } = loadConfig()

async function stoppedHub(t: TestContext): Promise<string> {
  const top = await mkdtemp(join(tmpdir(), 'omnigate-stopped-'))
  t.after(() => rm(top, { recursive: true }))
  await using folder = await openDataFolder(join(top, 'hub'), { create: true })
  await initKeys(folder.keys, { nodeName: 'node1', nowMs: Date.now() })
  return folder.folder
}

async function recorded({ log }: StoppedHub): Promise<string[]> {
  const types: string[] = []
  for await (const lines of log.lines(0))
    for (const line of lines) types.push((JSON.parse(line.toString()) as { type: string }).type)
  return types
}

test('what is done to a stopped hub is kept, and recorded', async t => {
  const path = await stoppedHub(t)
  {
    await using hub = await openStopped(path, { config })
    const operator = directClient(hub.capabilities)
    const { kid } = await operator.cap_mint({ verb: 'echo:call', tenant: 'default', peer: PEER })
    await operator.cap_rotate({ grace_s: 60 })
    await operator.cap_revoke({ kid })
  }

  await using hub = await openStopped(path, { config })

  assert.equal(hub.capabilities.keys.current, 2)
  assert.equal(hub.capabilities.revocationSeq, 1)
  assert.equal(hub.capabilities.list().length, 1)
  assert.deepEqual(await recorded(hub), ['tenant', 'mint', 'rotate', 'revoke'])
})

test('a hub that is open is refused to the next, and free again once it is closed', async t => {
  const path = await stoppedHub(t)
  const hub = await openStopped(path, { config })

  await assert.rejects(openStopped(path, { config }), { reason: 'inUse' })
  await hub[Symbol.asyncDispose]()

  await using again = await openStopped(path, { config })
  assert.equal(again.capabilities.tenants().length, 1)
})

test('a folder whose keys are gone is refused and left free', async t => {
  const path = await stoppedHub(t)
  await rm(join(path, 'keys'), { recursive: true })

  await assert.rejects(openStopped(path, { config }), { reason: 'noInput' })
  await assert.rejects(openStopped(path, { config }), { reason: 'noInput' })
})
