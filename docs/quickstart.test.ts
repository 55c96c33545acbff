import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { copyCheckout } from '../bin/release/checkout-copy.ts'
import { begins, matches } from './harness/match.ts'
import { parsePage } from './harness/page.ts'

const ROOT = fileURLToPath(new URL('../', import.meta.url))
const PAGE = readFileSync(new URL('quickstart.md', import.meta.url), 'utf8')
const FREE_PORTS = { OMNIGATE_HTTP__LISTEN: '127.0.0.1:0', OMNIGATE_NODE__LISTEN: '/ip4/127.0.0.1/tcp/0' }
const FOREIGN = /^(OMNIGATE_|RON_|FORCE_COLOR$|NODE_|npm_)/

test(
  'what quickstart.md says, from the first command to the last, in a fresh checkout',
  { timeout: 180_000 },
  async t => {
    const top = mkdtempSync(join(tmpdir(), 'omnigate-quickstart-'))
    t.after(() => rmSync(top, { recursive: true, force: true }))
    const folder = copyCheckout(ROOT, join(top, 'omnigate'))
    for (const [, name = '', source = ''] of PAGE.matchAll(/Save this as `([\w.]+)`:\n\n```ts\n(.*?)```/gs))
      writeFileSync(join(folder, name), source)
    const [start, ...steps] = parsePage(PAGE).steps
    assert.ok(start && steps.length === 8)

    const node = run(folder, `exec ${start.command}`)
    t.after(() => node.child.kill('SIGKILL'))
    await node.until(() => begins(start.output, node.text()))
    let prepared = ''
    for (const { command, output, line, exitCode } of steps) {
      // What a line sets for the shell holds for those after it.
      if (command.startsWith('. ')) prepared += `${command}\n`
      const program = run(folder, `${prepared}${command}`)
      const [code] = await program.end
      assert.equal(code, exitCode, `line ${line}: ${program.all()}`)
      assert.ok(matches(output, program.text()), `line ${line}: ${program.all()}`)
    }
    node.child.kill('SIGINT')

    assert.equal((await node.end)[0], 0, node.all())
  }
)

function run(folder: string, command: string) {
  const own = Object.entries(process.env).filter(([name]) => !FOREIGN.test(name))
  const env = { ...Object.fromEntries(own), ...FREE_PORTS }
  const child: ChildProcess = spawn('/bin/sh', ['-c', command], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'pipe']
  })
  let text = ''
  let errors = ''
  child.stdout!.on('data', (piece: Buffer) => (text += piece.toString()))
  child.stderr!.on('data', (piece: Buffer) => (errors += piece.toString()))
  const end = once(child, 'close')
  const until = async (holds: () => boolean): Promise<void> => {
    const ended = end.then(() => assert.fail(`it ended: ${text}${errors}`))
    ended.catch(() => undefined)
    while (!holds()) await Promise.race([once(child.stdout!, 'data'), ended])
  }
  return { child, end, until, text: () => text, all: () => `${text}${errors}` }
}
