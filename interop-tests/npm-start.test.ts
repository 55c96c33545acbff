import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { Child, within } from './child.ts'

const ROOT = fileURLToPath(new URL('../', import.meta.url))
const FREE = { OMNIGATE_NODE__LISTEN: '/ip4/127.0.0.1/tcp/0', OMNIGATE_HTTP__LISTEN: '127.0.0.1:0' }
const START_MS = 60_000
const END_MS = 60_000
/** Less than a node waits for calls under way: there are none. */
const ENDS_WITHIN_MS = 9000

test('the same Ctrl-C that arrives again once the node has stopped changes nothing', async t => {
  await using child = new Child(
    process.execPath,
    [`${ROOT}bin/omnigate.mjs`, 'start', '--ephemeral', '--json'],
    FREE
  )
  await child.firstJson()

  child.signal('SIGINT')
  const timer = setInterval(() => {
    if (!child.stderr.includes('NodeStopped')) return
    clearInterval(timer)
    child.signal('SIGINT')
  }, 1)
  t.after(() => clearInterval(timer))
  const { code, stderr } = await child.ended(END_MS)

  assert.equal(code, 0, stderr)
})

for (const [how, command] of [
  ['npm start', ['npm', 'start', '--silent', '--']],
  ['the launcher', [process.execPath, 'bin/omnigate.mjs', 'start', '--init']]
] as const) {
  test(`Ctrl-C on ${how}, which every process of the terminal gets, ends soon and with 0`, async t => {
    const data = await mkdtemp(join(tmpdir(), 'omnigate-start-'))
    t.after(() => rm(data, { recursive: true }))
    const [program, ...words] = command
    const child = spawn(program, [...words, '--data', join(data, 'hub'), '--json'], {
      cwd: ROOT,
      env: { ...process.env, ...FREE },
      detached: true,
      stdio: ['ignore', 'pipe', 'ignore']
    })
    t.after(() => ended || process.kill(-child.pid!, 'SIGKILL'))
    let ended = false
    const end = once(child, 'close').then(([code]) => ((ended = true), code as number | null))
    await within(START_MS, 'a running node', once(createInterface(child.stdout), 'line'))

    const asked = performance.now()
    process.kill(-child.pid!, 'SIGINT')
    const code = await within(END_MS, 'its end', end)

    assert.equal(code, 0)
    assert.ok(performance.now() - asked < ENDS_WITHIN_MS)
  })
}
