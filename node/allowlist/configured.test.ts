import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import type { TestContext } from 'node:test'
import { ConfigError, loadConfig } from '../config/index.ts'
import { CLINIC, SELF, TENANT, UNIVERSITY, treatyOn } from './allowlist.fixture.ts'
import { configuredHubs } from './configured.ts'
import { treatyText } from './treaty-text.ts'
import { FIRST_TREATY } from './treaty.ts'

const config = (peers: readonly object[]) => loadConfig({ flags: { 'federation.peers': peers } }).config

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'omnigate-treaties-'))
  t.after(() => rm(path, { recursive: true }))
  return path
}

const problemsOf = async (peers: readonly object[]): Promise<readonly string[]> => {
  try {
    await configuredHubs(config(peers), SELF)
  } catch (error) {
    assert.ok(error instanceof ConfigError)
    return error.problems
  }
  return []
}

test('a treaty stands in the configuration, in a file, or is the first one', async t => {
  const file = join(await folder(t), 'university.toml')
  await writeFile(file, treatyText(treatyOn(TENANT)))

  const hubs = await configuredHubs(
    config([
      { hub: CLINIC, treaty: { verbs: ['mailbox:send'] } },
      { hub: UNIVERSITY, treaty: file }
    ])
  )
  const [first] = await configuredHubs(config([{ hub: CLINIC }]))

  assert.deepEqual(hubs[0]?.treaty.verbs, ['mailbox:send'])
  assert.deepEqual(hubs[1]?.treaty, treatyOn(TENANT))
  assert.deepEqual(first, { hub: CLINIC, addresses: [], note: '', treaty: FIRST_TREATY })
})

test('a treaty that has ended is no reason not to start', async () => {
  assert.deepEqual(await problemsOf([{ hub: CLINIC, treaty: { expires: 1 } }]), [])
})

test('all that is wrong is told together, by place', async t => {
  const path = await folder(t)
  const broken = join(path, 'broken.toml')
  const wrong = join(path, 'wrong.json')
  await writeFile(broken, 'verbs = [\n')
  await writeFile(wrong, '{"verbs":["echo:cal"],"window":1}')
  const row = treatyOn('clinic').rows[0]!

  assert.deepEqual(
    await problemsOf([
      { hub: SELF },
      { hub: CLINIC, treaty: { rows: [row], verbs: ['admin:status'] } },
      { hub: UNIVERSITY, treaty: wrong }
    ]),
    [
      'federation.peers[0].hub: is this hub itself',
      'federation.peers[1].treaty.rows[0].tenant: not a UUID',
      `federation.peers[2].treaty: ${wrong}: unknown member "window"`
    ]
  )
  assert.match(
    (await problemsOf([{ hub: CLINIC, treaty: broken }])).join(),
    /^federation\.peers\[0\]\.treaty: .*broken\.toml: line \d, column \d+: /
  )
  assert.deepEqual(await problemsOf([{ hub: CLINIC, treaty: join(path, 'none.toml') }]), [
    `federation.peers[0].treaty: ${join(path, 'none.toml')}: does not exist; check the path`
  ])
  assert.match((await problemsOf([{ hub: CLINIC, treaty: path }])).join(), /is a folder, not a file/)
})

test('a file that is longer than any treaty is refused without being read whole', async t => {
  const file = join(await folder(t), 'long.toml')
  await writeFile(file, '#'.repeat(70_000))

  assert.deepEqual(await problemsOf([{ hub: CLINIC, treaty: file }]), [
    `federation.peers[0].treaty: ${file}: longer than 65536 bytes`
  ])
})
