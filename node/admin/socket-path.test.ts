import assert from 'node:assert/strict'
import { chmod, lstat, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { beforeEach, test } from 'node:test'
import type { TestContext } from 'node:test'
import { loadConfig } from '../config/index.ts'
import { endings } from '../endings.fixture.ts'
import { createNode } from '../node.ts'
import { SetupError } from '../setup-error.ts'
import { connectAdmin } from './admin-client.ts'
import { adminSocketPath, makeSocketFolder } from './socket-path.ts'

let scratch: string
let data: string

beforeEach(async context => {
  scratch = await mkdtemp(join(tmpdir(), 'socket-path-'))
  data = join(scratch, 'a-name-that-is-so-long-that-no-socket-fits-below-it'.padEnd(120, '-'))
  const before = process.env['XDG_RUNTIME_DIR']
  process.env['XDG_RUNTIME_DIR'] = scratch
  endings(context as TestContext).defer(async () => {
    if (before === undefined) delete process.env['XDG_RUNTIME_DIR']
    else process.env['XDG_RUNTIME_DIR'] = before
    await rm(scratch, { recursive: true })
  })
})

test('lies in the data folder when the path is short enough', () => {
  assert.equal(adminSocketPath('/var/hub'), '/var/hub/admin.sock')
})

test('serves a data folder of a long path from a folder of this user alone', async t => {
  await running(t)

  await using admin = await connectAdmin(data)

  assert.equal((await admin.status())['data'], data)
  const { mode } = await lstat(dirname(adminSocketPath(data)))
  assert.equal(mode & 0o777, 0o700)
})

const OPEN_TO_OTHERS: readonly (readonly [string, (folder: string) => Promise<void>])[] = [
  [
    'that others may write to',
    async folder => {
      await mkdir(folder)
      await chmod(folder, 0o777)
    }
  ],
  [
    'that others may only look into',
    async folder => {
      await mkdir(folder)
      await chmod(folder, 0o750)
    }
  ],
  [
    'that is a link to another',
    async folder => {
      await mkdir(join(scratch, 'elsewhere'), { mode: 0o700 })
      await symlink('elsewhere', folder)
    }
  ]
]

for (const [what, make] of OPEN_TO_OTHERS) {
  test(`refuses a folder ${what}, to serve in it and to ask there`, async t => {
    const socket = adminSocketPath(data)
    const node = await running(t)
    await node.stop()
    await rm(dirname(socket), { recursive: true })
    await make(dirname(socket))

    await assert.rejects(makeSocketFolder(socket), isRefusal)
    await assert.rejects(connectAdmin(data), isRefusal)
    await assert.rejects(nodeOf().start(), isRefusal)
  })
}

test('refuses a file and a link to nowhere in place of the folder', async () => {
  const socket = adminSocketPath(data)
  await writeFile(dirname(socket), '', { mode: 0o600 })
  await assert.rejects(makeSocketFolder(socket), isRefusal)

  await rm(dirname(socket))
  await symlink('nowhere', dirname(socket))
  await assert.rejects(makeSocketFolder(socket), isRefusal)
})

function isRefusal(error: unknown): boolean {
  assert.ok(error instanceof SetupError, String(error))
  assert.equal(error.reason, 'permission')
  assert.match(
    error.message,
    /^\S+omnigate-\d+: must be a folder of your own that nobody else may enter, [^\n]+$/
  )
  return true
}

const nodeOf = () =>
  createNode(
    loadConfig({
      flags: { 'node.listen': ['/ip4/127.0.0.1/tcp/0'], 'http.enabled': false, 'log.level': 'silent' }
    }).config,
    { data, init: true }
  )

async function running(t: TestContext) {
  const node = nodeOf()
  endings(t).defer(() => node.stop())
  await node.start()
  return node
}
