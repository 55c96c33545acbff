import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { takeInstallLock } from './install-lock.mjs'

test('the second taker waits until the first lets go', async () => {
  const root = await mkdtemp(join(tmpdir(), 'omnigate lock '))
  const order: string[] = []

  const releaseFirst = await takeInstallLock(root)
  const second = takeInstallLock(root).then(release => {
    order.push('second')
    release()
  })
  await new Promise(setImmediate)
  order.push('first lets go')
  releaseFirst()
  await second

  assert.deepEqual(order, ['first lets go', 'second'])
  assert.deepEqual(await readdir(join(root, '.cache')), [])
})

test('a lock whose owner died is taken over', async () => {
  const root = await mkdtemp(join(tmpdir(), 'omnigate lock '))
  const { pid } = spawnSync(process.execPath, ['--version'])
  await mkdir(join(root, '.cache'))
  await writeFile(join(root, '.cache', 'install.lock'), String(pid))

  const release = await takeInstallLock(root)

  release()
  assert.deepEqual(await readdir(join(root, '.cache')), [])
})
