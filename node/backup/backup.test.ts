import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { appendFile, cp, mkdir, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { echoService, storageService } from '../../protocols/index.ts'
import type { OapError } from '../../protocols/index.ts'
import { connect } from '../../sdk/index.ts'
import { connectAdmin } from '../admin/admin-client.ts'
import { parseEntry, verifyAudit } from '../audit/index.ts'
import { loadConfig } from '../config/index.ts'
import { openDataFolder } from '../data-folder.ts'
import { initKeys, loadKeys } from '../keys.ts'
import { directAudit, openStopped } from '../start/stopped.ts'
import { LOCAL, minted, nodeOn, scratch } from './backup.fixture.ts'
import type { OmnigateNode } from '../node.ts'
import { restoreBackup } from './restore.ts'
import { writeBackup } from './write-backup.ts'

const { config } = loadConfig()
const INDEX = new URL('../index.ts', import.meta.url).href

async function entriesOf(log: string) {
  const segments = join(log, 'segments')
  const texts = await Promise.all(
    (await readdir(segments)).sort().map(name => readFile(join(segments, name, 'entries.ndjson'), 'utf8'))
  )
  return texts
    .join('')
    .split('\n')
    .slice(0, -1)
    .map(line => parseEntry(Buffer.from(line)))
}

/** How a node answers an echo under a token: `ok`, or the code of the refusal. */
async function echoed(node: OmnigateNode, cap: Uint8Array): Promise<string> {
  await using hub = await connect(node.status().addresses[0]!, { cap })
  return await hub
    .client(echoService)
    .echo({})
    .then(
      () => 'ok',
      (error: unknown) => (error as OapError).code
    )
}

const keyOf = (log: string): Promise<string> => readFile(join(log, 'log.vkey'), 'utf8')

test('what a running node was asked to keep is there again after a backup and a restore', async t => {
  const top = await scratch(t)
  const [data, backup, again] = [join(top, 'hub'), join(top, 'copy'), join(top, 'again')]
  const node = await nodeOn(t, data)
  const good = await minted(node)
  const gone = await minted(node)
  await node.capabilities().revoke({ cap_id: gone.capId }, 'lost', LOCAL)
  await node.capabilities().addTenant({ name: 'paris' }, LOCAL)

  await using admin = await connectAdmin(data)
  const made = await admin.audit.admin.backup({ folder: backup })
  await node.capabilities().addTenant({ name: 'lyon' }, LOCAL)
  await node.stop()
  const restored = await restoreBackup(backup, again)

  const after = await nodeOn(t, again)
  assert.equal(await echoed(after, good.token), 'ok')
  assert.equal(await echoed(after, gone.token), 'cap_revoked')
  const names = after
    .capabilities()
    .tenants()
    .map(({ name }) => name)
  assert.deepEqual(names.toSorted(), ['default', 'paris'])
  assert.equal(after.capabilities().revocationSeq, 1)
  await after.stop()

  const hub = restored.hubId
  for (const log of [
    join(data, 'audit'),
    join(backup, 'audit'),
    restored.before.folder,
    join(again, 'audit')
  ]) {
    assert.deepEqual((await verifyAudit(log, hub)).problem, undefined, log)
    assert.ok((await verifyAudit(log, await keyOf(log))).ok, log)
  }
  const [first] = await entriesOf(join(again, 'audit'))
  const { origin, size, root } = made
  assert.deepEqual([first!.type, first!.data], ['restore', { origin, size, root }])
  assert.notEqual(restored.origin, origin)
  const told = (await entriesOf(join(data, 'audit'))).find(({ type }) => type === 'backup')
  assert.deepEqual([told!.actor, told!.seq, told!.data], ['local', size, { size, root }])
})

test('messages are there again as of the backup, and what was acknowledged after it comes again', async t => {
  const top = await scratch(t)
  const [data, backup, again] = [join(top, 'hub'), join(top, 'copy'), join(top, 'again')]
  const node = await nodeOn(t, data)
  const tenant = node.capabilities().tenants()[0]!.id
  const topic = 'a'
  await using admin = await connectAdmin(data)
  const send = async ({ mailbox }: typeof admin, text: string) =>
    await mailbox.send({ topic, idem_key: text, body: Buffer.from(text) }, { tenant })
  const kept = await send(admin, 'kept')

  await admin.audit.admin.backup({ folder: backup })
  await send(admin, 'late')
  await admin.mailbox.recv({ topic, ack: 'auto' }, { tenant })
  await node.stop()
  await restoreBackup(backup, again)
  await nodeOn(t, again)

  await using restored = await connectAdmin(again)
  const { items } = await restored.mailbox.recv({ topic }, { tenant })
  assert.deepEqual(
    items.map(({ msg_id, attempt, body }) => [msg_id, attempt, Buffer.from(body!).toString()]),
    [[kept.msg_id, 1, 'kept']]
  )
  assert.deepEqual(await send(restored, 'kept'), { ...kept, duplicate: true })
})

test('blobs are not in a backup, and a copy of their folder brings them to the restored hub', async t => {
  const top = await scratch(t)
  const [data, backup, again] = [join(top, 'hub'), join(top, 'copy'), join(top, 'again')]
  const node = await nodeOn(t, data)
  const { token } = await minted(node, { verb: 'storage:put,storage:has' })
  const address = (of: OmnigateNode): string => of.status().addresses[0]!
  const put = async (): Promise<string> => {
    await using hub = await connect(address(node), { cap: token })
    return (await hub.client(storageService).put({}, { body: [Buffer.from('kept')] })).cid
  }
  const cid = await put()
  {
    await using admin = await connectAdmin(data)
    await admin.audit.admin.backup({ folder: backup })
  }
  await node.stop()
  await restoreBackup(backup, again)
  const found = async (): Promise<string> => {
    const restored = await nodeOn(t, again)
    await using hub = await connect(address(restored), { cap: token })
    const { body = new Uint8Array(0) } = await hub.client(storageService).has({ cids: [cid] })
    await restored.stop()
    return body[0] === 1 ? 'there' : 'absent'
  }

  assert.ok(!(await readdir(backup)).includes('blobs'))
  assert.equal(await found(), 'absent')
  await rm(join(again, 'blobs'), { recursive: true })
  await cp(join(data, 'blobs'), join(again, 'blobs'), { recursive: true })
  assert.equal(await found(), 'there')
})

test('a stopped node is backed up in the same way, and again after a restore', async t => {
  const top = await scratch(t)
  const data = join(top, 'hub')
  const node = await nodeOn(t, data)
  const { token } = await minted(node)
  await node.stop()
  const back = async (from: string, to: string) => {
    await using hub = await openStopped(from, { config })
    await directAudit(hub).admin.backup({ folder: to })
  }

  await back(data, join(top, 'copy1'))
  await restoreBackup(join(top, 'copy1'), join(top, 'hub1'))
  await back(join(top, 'hub1'), join(top, 'copy2'))
  const restored = await restoreBackup(join(top, 'copy2'), join(top, 'hub2'))

  assert.equal(await echoed(await nodeOn(t, join(top, 'hub2')), token), 'ok')
  const before = join(top, 'hub2', 'audit-before')
  const logs = await readdir(before)
  assert.equal(logs.length, 2)
  for (const log of logs) assert.ok((await verifyAudit(join(before, log), restored.hubId)).ok)
})

test('a hub whose delegation has ended is backed up and restored, though its node does not start', async t => {
  const top = await scratch(t)
  {
    await using folder = await openDataFolder(join(top, 'hub'), { create: true })
    await initKeys(folder.keys, { nodeName: 'node1', nowMs: Date.now() - 11 * 365 * 86_400_000 })
  }
  {
    await using hub = await openStopped(join(top, 'hub'), { config })
    await directAudit(hub).admin.backup({ folder: join(top, 'copy') })
  }

  const { folder, hubId } = await restoreBackup(join(top, 'copy'), join(top, 'hub1'))

  const kept = await loadKeys(join(folder, 'keys'), { nowMs: Date.now(), atAnyTime: true })
  assert.equal(kept.hubId, hubId)
  await assert.rejects(nodeOn(t, folder), /delegation.json: expired at/)
})

test('a backup is for its owner alone, holds no key that signs its log, and is no data folder', async t => {
  const top = await scratch(t)
  const node = await nodeOn(t, join(top, 'hub'))
  await using admin = await connectAdmin(join(top, 'hub'))
  await admin.audit.admin.backup({ folder: join(top, 'copy') })

  const names = await readdir(join(top, 'copy'), { recursive: true, withFileTypes: true })
  for (const entry of names) {
    const { mode } = await stat(join(entry.parentPath, entry.name))
    const isOfStore = entry.parentPath.endsWith('store')
    if (!isOfStore) assert.equal(mode & 0o077, 0, entry.name)
  }
  assert.equal((await stat(join(top, 'copy'))).mode & 0o777, 0o700)
  assert.ok(!names.some(({ name }) => ['log.key', 'lock', 'admin.sock', 'FORMAT'].includes(name)))
  await assert.rejects(
    openDataFolder(join(top, 'copy')),
    /is a backup; make a data folder of it with: .*restore/
  )
  await assert.rejects(openDataFolder(join(top, 'copy'), { create: true }), /is a backup/)
  await node.stop()
})

test('entries that come while a log is copied are left out, and what was copied verifies', async t => {
  const top = await scratch(t)
  const node = await nodeOn(t, join(top, 'hub'))
  let isOver = false
  const minting = (async () => {
    while (!isOver) await Promise.all(Array.from({ length: 5 }, () => minted(node)))
  })()
  await using admin = await connectAdmin(join(top, 'hub'))
  const hub = String(node.status()['hub_id'])

  for (const name of ['a', 'b', 'c']) {
    const { size } = await admin.audit.admin.backup({ folder: join(top, name) })
    const verdict = await verifyAudit(join(top, name, 'audit'), hub)
    assert.deepEqual([verdict.problem, verdict.entries, verdict.covered], [undefined, size, size])
    await restoreBackup(join(top, name), join(top, `${name}-again`))
  }
  isOver = true
  await minting
})

suite('refused, with nothing left behind', () => {
  async function stopped(t: Parameters<typeof scratch>[0]) {
    const top = await scratch(t)
    const node = await nodeOn(t, join(top, 'hub'))
    await minted(node)
    await node.stop()
    return { top, data: join(top, 'hub') }
  }

  test('a backup over something, into the data folder, or below nothing', async t => {
    const { top, data } = await stopped(t)
    await mkdir(join(top, 'full'))
    await writeFile(join(top, 'full', 'cat.jpg'), '')
    await writeFile(join(top, 'file'), '')
    await using hub = await openStopped(data, { config })
    const size = hub.log.size

    await assert.rejects(writeBackup(join(top, 'full'), hub), { reason: 'cannotCreate' })
    await assert.rejects(writeBackup(join(top, 'file'), hub), { reason: 'cannotCreate' })
    await assert.rejects(writeBackup(join(data, 'copy'), hub), { reason: 'badInput' })
    await assert.rejects(writeBackup(data, hub), { reason: 'badInput' })
    await assert.rejects(writeBackup(join(top, 'no', 'where'), hub), { reason: 'noInput' })

    assert.equal(hub.log.size, size)
    assert.deepEqual((await readdir(top)).toSorted(), ['file', 'full', 'hub'])
  })

  test('a running node says why, in a line', async t => {
    const top = await scratch(t)
    await nodeOn(t, join(top, 'hub'))
    await using admin = await connectAdmin(join(top, 'hub'))

    const { backup } = admin.audit.admin
    await assert.rejects(backup({ folder: join(top, 'hub') }), {
      code: 'setup_badInput',
      message: /in the data folder/
    })
    await assert.rejects(backup({ folder: 'copy' }), { code: 'bad_request' })
    await assert.rejects(backup({ folder: join(top, 'a', 'b') }), { code: 'setup_noInput' })
  })

  test('a backup that is given up, at any of its steps', async t => {
    const { top, data } = await stopped(t)
    await using hub = await openStopped(data, { config })
    const size = hub.log.size
    let steps = 0
    // Gives up when it has been asked so many times whether it should.
    const givingUp = (after: number): AbortSignal =>
      ({
        get aborted() {
          return steps > after
        },
        reason: new Error('given up'),
        throwIfAborted() {
          if (steps++ >= after) throw new Error('given up')
        }
      }) as unknown as AbortSignal

    let given = 0
    for (let after = 0; ; after++) {
      steps = 0
      const done = await writeBackup(join(top, 'copy'), hub, { signal: givingUp(after) }).then(
        () => true,
        (error: unknown) => assert.match(String(error), /given up/)
      )
      if (done === true) break
      given++
      assert.deepEqual(await readdir(top), ['hub'])
      assert.equal(hub.log.size, size)
    }
    assert.ok(given > 10)
    await restoreBackup(join(top, 'copy'), join(top, 'again'))
  })

  for (const step of [1, 9, 17, 25]) {
    test(`a backup whose process is killed at its step ${step}, but for a folder that says so`, async t => {
      const { top, data } = await stopped(t)
      const script = `
        import { loadConfig, openStopped, writeBackup } from ${JSON.stringify(INDEX)}
        const hub = await openStopped(process.argv[1], { config: loadConfig().config })
        let steps = 0
        const signal = { aborted: false, throwIfAborted() { if (++steps === ${step}) process.kill(process.pid, 'SIGKILL') } }
        await writeBackup(process.argv[2], hub, { signal })
        console.log('not killed')`
      const args = ['--input-type=module', '-e', script, data, join(top, 'copy')]
      const { signal, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
      assert.equal(signal, 'SIGKILL', stdout + stderr)

      const names = (await readdir(top)).toSorted()
      assert.equal(names.length, 2)
      assert.match(names[0]!, /^\.new-copy-[0-9a-f]{12}$/)
      await assert.rejects(restoreBackup(join(top, names[0]!), join(top, 'again')), { reason: 'noInput' })
      await using hub = await openStopped(data, { config })
      await writeBackup(join(top, 'copy'), hub)
      await restoreBackup(join(top, 'copy'), join(top, 'again'))
    })
  }

  test('a backup in which anything is missing or another', async t => {
    const { top, data } = await stopped(t)
    const good = join(top, 'good')
    {
      await using hub = await openStopped(data, { config })
      await writeBackup(good, hub)
    }
    const bad = join(top, 'bad')
    const [segment = ''] = await readdir(join(good, 'audit', 'segments'))
    const table = (await readdir(join(good, 'store'))).find(name => /^\d+\.(log|ldb)$/.test(name))!
    const spoil: readonly (readonly [RegExp, () => Promise<unknown>])[] = [
      [/backup.json: not there/, () => rm(join(bad, 'backup.json'))],
      [/backup.json: damaged/, () => writeFile(join(bad, 'backup.json'), '{}')],
      [/backup.json: damaged/, () => writeFile(join(bad, 'backup.json'), '[')],
      [/keys\/node.key is not what/, () => rm(join(bad, 'keys', 'node.key'))],
      [/keys\/extra is not what/, () => writeFile(join(bad, 'keys', 'extra'), '')],
      [/capabilities is missing/, () => rm(join(bad, 'capabilities'), { recursive: true })],
      [
        /revocations.ndjson is not what/,
        () => appendFile(join(bad, 'capabilities', 'revocations.ndjson'), ' ')
      ],
      [/store is missing/, () => rm(join(bad, 'store'), { recursive: true })],
      [/store/, () => rm(join(bad, 'store', table))],
      [/audit is missing/, () => rm(join(bad, 'audit'), { recursive: true })],
      [/audit: /, () => writeFile(join(bad, 'audit', 'segments', segment, 'entries.ndjson'), '')],
      [/audit: /, () => rm(join(bad, 'audit', 'checkpoint'))]
    ]
    for (const [says, damage] of spoil) {
      await cp(good, bad, { recursive: true })
      await damage()
      await assert.rejects(restoreBackup(bad, join(top, 'again')), says)
      await rm(bad, { recursive: true })
      assert.deepEqual((await readdir(top)).toSorted(), ['good', 'hub'])
    }
  })

  test('a restore over something', async t => {
    const { top, data } = await stopped(t)
    await using hub = await openStopped(data, { config })
    await writeBackup(join(top, 'copy'), hub)

    await assert.rejects(restoreBackup(join(top, 'copy'), data), { reason: 'cannotCreate' })
    await assert.rejects(restoreBackup(data, join(top, 'again')), { reason: 'noInput' })
    await mkdir(join(top, 'empty'))
    await restoreBackup(join(top, 'copy'), join(top, 'empty'))
    assert.equal((await stat(join(top, 'empty'))).mode & 0o777, 0o700)
  })
})
