import assert from 'node:assert/strict'
import { mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import pino from 'pino'
import { loadConfig } from '../config/index.ts'
import { openDataFolder } from '../data-folder.ts'
import { initKeys } from '../keys.ts'
import { createNode } from '../node.ts'
import { refusal } from '../refusal.fixture.ts'
import { EXIT } from '../setup-error.ts'

const DAY_MS = 86_400_000
const FREE = { 'node.name': 'node1', 'node.listen': ['/ip4/127.0.0.1/tcp/0'], 'http.listen': '127.0.0.1:0' }
const { config } = loadConfig({ flags: FREE })

test('a node whose delegation ends within 30 days says so when it starts', async t => {
  const warned = await startAndStop(await folderOf(t, 3649))
  const silent = await startAndStop(await folderOf(t, 3600))

  assert.match(warned, /DelegationEnds.*key delegate --role link/)
  assert.doesNotMatch(silent, /DelegationEnds/)
})

test('a node whose delegation has expired does not start, and says what to do', async t => {
  const data = await folderOf(t, 3652)

  await assert.rejects(
    startAndStop(data),
    refusal(EXIT.badInput, /delegation.json: expired at .*key delegate --role link --data/)
  )
})

test('a node starts, and starts again, without the hub key', async t => {
  const data = await folderOf(t, 0)
  renameSync(join(data, 'keys/hub.key'), join(data, '..', 'hub.key'))

  await startAndStop(data)
  await startAndStop(data)
})

/** A data folder whose keys were made so many days ago. */
async function folderOf(t: TestContext, daysAgo: number): Promise<string> {
  const top = mkdtempSync(join(tmpdir(), 'omnigate-start-'))
  t.after(() => rmSync(top, { recursive: true }))
  await using folder = await openDataFolder(join(top, 'hub'), { create: true })
  await initKeys(folder.keys, { nodeName: 'node1', nowMs: Date.now() - daysAgo * DAY_MS })
  return folder.folder
}

/** What a node logs as a warning or worse. */
async function startAndStop(data: string): Promise<string> {
  let lines = ''
  const log = pino({ level: 'warn' }, { write: line => void (lines += line) })
  await using node = createNode(config, { data, overrides: { log } })
  await node.start()
  return lines
}
