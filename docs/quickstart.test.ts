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
const STARTS = /^npm start$| start --init /
const FREE_PORTS = { OMNIGATE_HTTP__LISTEN: '127.0.0.1:0', OMNIGATE_NODE__LISTEN: '/ip4/127.0.0.1/tcp/0' }
const FOREIGN = /^(OMNIGATE_|RON_|FORCE_COLOR$|NODE_|npm_)/

/** How many commands each page has, how many of them are nodes that run until its end, and how long all may take. */
const PAGES = { 'quickstart.md': [9, 1, 180_000], 'storage.md': [24, 2, 240_000] } as const

for (const [name, [count, nodes, timeout]] of Object.entries(PAGES))
  test(`what ${name} says, from the first command to the last, in a fresh checkout`, { timeout }, async t => {
    const page = readFileSync(new URL(name, import.meta.url), 'utf8')
    const top = mkdtempSync(join(tmpdir(), 'omnigate-quickstart-'))
    t.after(() => rmSync(top, { recursive: true, force: true }))
    const folder = copyCheckout(ROOT, join(top, 'omnigate'))
    for (const [, file = '', source = ''] of page.matchAll(/Save this as `([\w.]+)`:\n\n```ts\n(.*?)```/gs))
      writeFileSync(join(folder, file), source)
    const { steps } = parsePage(page)
    assert.equal(steps.length, count)

    const running: Running[] = []
    let prepared = ''
    for (const { command, output, line, exitCode } of steps) {
      if (STARTS.test(command)) {
        const node = run(folder, execOf(command))
        t.after(() => ended(node.child))
        await node.until(() => begins(output, node.text()))
        running.push(node)
        continue
      }
      // What a line sets for the shell holds for those after it.
      if (command.startsWith('. ')) prepared += `${command}\n`
      const program = run(folder, `${prepared}${command}`)
      const [code] = await program.end
      assert.equal(code, exitCode, `line ${line}: ${program.all()}`)
      // npx says on standard error what it thinks of a configuration.
      const shown = command.startsWith('npx ') ? program.text() : program.all()
      assert.ok(matches(output, shown), `line ${line}: ${program.all()}`)
    }
    for (const node of running) node.child.kill('SIGINT')

    assert.equal(running.length, nodes)
    for (const node of running) assert.equal((await node.end)[0], 0, node.all())
  })

/** The shell gives way to a node, so that signals reach it; other tests may have the port. */
const execOf = (command: string): string =>
  command.replace(/(npm|node) /, 'exec $1 ').replace('/tcp/4811', '/tcp/0')

type Running = ReturnType<typeof run>

function run(folder: string, command: string) {
  const own = Object.entries(process.env).filter(([name]) => !FOREIGN.test(name))
  const env = { ...Object.fromEntries(own), ...FREE_PORTS }
  const child: ChildProcess = spawn('/bin/sh', ['-c', command], {
    cwd: folder,
    env,
    // A group of its own, so that what npm started ends with it.
    detached: true,
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

function ended({ pid, exitCode, signalCode }: ChildProcess): void {
  if (exitCode === null && signalCode === null) process.kill(-pid!, 'SIGKILL')
}
