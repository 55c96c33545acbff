import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { matches } from '../docs/harness/match.ts'
import { parsePage } from '../docs/harness/page.ts'

const ECHO = fileURLToPath(new URL('echo/', import.meta.url))

test(
  'examples/echo prints what its page shows, over noise and TLS, plain and sealed',
  { timeout: 60_000 },
  async () => {
    const [shownServer, shownClient] = parsePage(readFileSync(`${ECHO}README.md`, 'utf8')).steps
    assert.ok(shownServer && shownClient)
    const server = run('server.ts')
    const served = textOf(server)
    const [line] = (await once(createInterface(server.stdout!), 'line')) as [string]

    const client = run('client.ts', line.replace('serving at ', ''))
    const answered = textOf(client)
    const [code] = await once(client, 'close')
    server.kill('SIGINT')
    const [serverCode] = await once(server, 'close')

    assert.equal(code, 0, answered())
    assert.ok(matches(shownClient.output, answered()), answered())
    assert.equal(serverCode, 0, served())
    assert.ok(matches(shownServer.output, served()), served())
  }
)

test('the client of examples/echo says in one line that nobody is there', { timeout: 60_000 }, async () => {
  const client = run('client.ts', '/ip4/127.0.0.1/tcp/1')
  const answered = textOf(client)

  const [code] = await once(client, 'close')

  assert.equal(code, 1)
  assert.match(answered(), /^\/ip4\/127\.0\.0\.1\/tcp\/1: no node answers there; [^\n]*\n$/)
})

const run = (...args: string[]): ChildProcess =>
  spawn(process.execPath, args, { cwd: ECHO, stdio: ['ignore', 'pipe', 'pipe'] })

function textOf(child: ChildProcess): () => string {
  let text = ''
  child.stdout?.on('data', (piece: Buffer) => (text += piece.toString()))
  child.stderr?.on('data', (piece: Buffer) => (text += piece.toString()))
  return () => text
}
