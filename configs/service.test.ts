import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { loadConfig } from '../node/index.ts'

const UNIT = readFileSync(join(import.meta.dirname, 'omnigate.service'), 'utf8')
const LAUNCHER = join(import.meta.dirname, '..', 'bin', 'omnigate.mjs')
/** Tenths of what systemd calls exposure: 0 is a service that can do nothing, 96 one without bounds. */
const MOST_EXPOSED = 15

const hasSystemd = spawnSync('systemd-analyze', ['--version']).error === undefined
const skip = hasSystemd ? false : 'systemd-analyze is not there: apt-get install systemd'

test('systemd takes the unit, and finds little that it may do', { skip }, t => {
  // Nothing is installed here, so that the program of the unit is one that is there.
  const unit = join(folder(t), 'omnigate.service')
  writeFileSync(unit, UNIT.replaceAll(/^ExecStart=\S+/gm, `ExecStart=${process.execPath}`))

  const verified = spawnSync('systemd-analyze', ['verify', '--man=no', unit], { encoding: 'utf8' })
  const judged = spawnSync(
    'systemd-analyze',
    ['security', '--offline=true', '--no-pager', `--threshold=${MOST_EXPOSED}`, unit],
    { encoding: 'utf8' }
  )

  assert.deepEqual([verified.status, verified.stdout + verified.stderr], [0, ''])
  assert.equal(judged.status, 0, judged.stdout + judged.stderr)
})

test('the command of the unit serves its folder, and ends when it is told to', async t => {
  const data = join(folder(t), 'hub')
  const env = {
    ...process.env,
    OMNIGATE_NODE__LISTEN: '/ip4/127.0.0.1/tcp/0',
    OMNIGATE_HTTP__LISTEN: '127.0.0.1:0'
  }
  assert.equal(spawnSync(process.execPath, [LAUNCHER, 'init', '--data', data]).status, 0)
  const [program, launcher, ...words] = settingOf('ExecStart').split(' ')
  assert.match(program!, /^\/opt\/omnigate\/current\/node_modules\/\.bin\/node$/)
  assert.match(launcher!, /^\/opt\/omnigate\/current\/node_modules\/omnigate\/bin\/omnigate\.mjs$/)

  const args = words.map(word => (word === '/var/lib/omnigate/hub' ? data : word))
  const child = spawn(process.execPath, [LAUNCHER, ...args], { env, stdio: ['ignore', 'pipe', 'ignore'] })
  t.after(() => child.kill('SIGKILL'))
  const ended = once(child, 'exit')
  for await (const line of createInterface(child.stdout)) if (line.startsWith('stop')) break
  child.kill('SIGTERM')

  assert.deepEqual(await ended, [0, null])
})

test('the unit gives a node the time and the files that it needs, and does not start again what cannot', () => {
  const { config } = loadConfig()
  const page = readFileSync(join(import.meta.dirname, '..', 'docs', 'operating.md'), 'utf8')
  const [, codes = ''] = page.split('## Exit codes')
  const known = [...codes.matchAll(/^\| (\d+) \|/gm)].map(([, code]) => code)

  assert.ok(
    Number(settingOf('TimeoutStopSec')) * 1000 > config.node.drainTimeoutMs + config.http.drainNoticeMs
  )
  assert.ok(Number(settingOf('LimitNOFILE')) > config.transport.maxConnections)
  const final = settingOf('RestartPreventExitStatus').split(' ')
  assert.deepEqual(
    final.filter(code => !known.includes(code)),
    []
  )
  // A fault of the program, a failed write and a kill are worth another try; a start that ran well is not.
  for (const code of ['0', '1', '70', '74']) assert.ok(!final.includes(code), code)
})

function settingOf(name: string): string {
  const [, value = ''] = new RegExp(`^${name}=(.*)$`, 'm').exec(UNIT) ?? []
  return value
}

function folder(t: TestContext): string {
  const top = mkdtempSync(join(tmpdir(), 'omnigate-service-'))
  t.after(() => rmSync(top, { recursive: true, force: true }))
  return top
}
