import assert from 'node:assert/strict'
import { constants, readFileSync, readdirSync, readlinkSync } from 'node:fs'
import { type FileHandle, open as openFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { GroupCommit } from './group-commit.ts'
import { fill, scratchLog, started } from './log.fixture.ts'
import { logPaths } from './log-folder.ts'

/** What all file handles share, so that a test can stand between a store and the disk. */
async function handles(t: TestContext): Promise<FileHandle> {
  const file = await openFile(import.meta.filename)
  await file.close()
  t.after(() => t.mock.restoreAll())
  return Object.getPrototypeOf(file) as FileHandle
}

const turns = async (count: number): Promise<void> => {
  for (let n = 0; n < count; n++) await new Promise<void>(resolve => setImmediate(resolve))
}

test('an entry is acknowledged and counted only once its bytes were synced', async t => {
  const { open } = await scratchLog(t)
  const log = await open()
  await log.append(started())
  const proto = await handles(t)
  // The file is open for synced writes: its write returns when fdatasync would.
  // eslint-disable-next-line typescript/unbound-method -- called below with the handle it belongs to
  const real = proto.write as (...args: unknown[]) => Promise<unknown>
  const asked = Promise.withResolvers<void>()
  const allowed = Promise.withResolvers<void>()
  t.mock.method(proto, 'write', async function (this: FileHandle, ...args: unknown[]) {
    const written = await real.apply(this, args)
    asked.resolve()
    await allowed.promise
    return written
  })
  let isAcknowledged = false
  const appended = log.append(started()).then(() => (isAcknowledged = true))

  await asked.promise
  await turns(20)

  assert.deepEqual([isAcknowledged, log.size], [false, 1])
  allowed.resolve()
  await appended
  assert.equal(log.size, 2)
})

test(
  'the entries are written to a file that syncs each write',
  { skip: process.platform !== 'linux' },
  async t => {
    const { folder, open } = await scratchLog(t)
    const log = await open()
    await log.append(started())
    const path = join(folder, 'segments/0000000000000000/entries.ndjson')

    const flags = readdirSync('/proc/self/fd').flatMap(fd => {
      if (!isLinkTo(`/proc/self/fd/${fd}`, path)) return []
      return [Number.parseInt(/flags:\s+(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))![1]!, 8)]
    })

    assert.equal(flags.length, 1)
    assert.equal(flags[0]! & constants.O_DSYNC, constants.O_DSYNC)
  }
)

function isLinkTo(link: string, path: string): boolean {
  try {
    return readlinkSync(link) === path
  } catch {
    return false
  }
}

test('entries that come while a commit runs are one commit together', async () => {
  const commits: number[] = []
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const group = new GroupCommit<number>(async items => {
    commits.push(items.length)
    await gates[commits.length - 1]!.promise
  })
  const first = group.add(1)
  await turns(2)
  const rest = [2, 3, 4].map(n => group.add(n))
  await turns(2)

  gates[0]!.resolve()
  await first
  await turns(2)

  assert.deepEqual(commits, [1, 3])
  gates[1]!.resolve()
  await Promise.all(rest)
})

test('a write that fails fails its entries and every later one; no checkpoint covers them', async t => {
  const { folder, open } = await scratchLog(t)
  const log = await open()
  await fill(log, 3)
  const before = await log.checkpoint()
  const proto = await handles(t)
  t.mock.method(proto, 'write', async () => {
    throw Object.assign(new Error('input/output error'), { code: 'EIO' })
  })

  const results = await Promise.allSettled([log.append(started()), log.append(started())])

  assert.deepEqual(
    results.map(({ status }) => status),
    ['rejected', 'rejected']
  )
  t.mock.restoreAll()
  await assert.rejects(log.append(started()), /audit log .*: /)
  assert.equal(log.size, 3)
  assert.equal(await log.checkpoint(), before)
  await log.close()
  assert.equal(readFileSync(logPaths(folder).checkpoint, 'utf8'), before)
})

test('a checkpoint is synced before it is given out', async t => {
  const { folder, open } = await scratchLog(t)
  const log = await open()
  await fill(log, 3)
  const old = await log.checkpoint()
  await fill(log, 3)
  const proto = await handles(t)
  // eslint-disable-next-line typescript/unbound-method -- called below with the handle it belongs to
  const real = proto.sync
  const seen: string[] = []
  t.mock.method(proto, 'sync', async function (this: FileHandle) {
    seen.push(readFileSync(logPaths(folder).checkpoint, 'utf8'))
    return real.call(this)
  })

  const note = await log.checkpoint()

  // First the new file beside the old one, then, after the renaming, the folder.
  assert.deepEqual(seen, [old, note])
})
