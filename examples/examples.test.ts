import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { createNode, loadConfig } from 'omnigate'
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
    const answers = answered().split('\n')
    assert.deepEqual(
      corrIdsOf(served().split('\n')),
      corrIdsOf(answers.filter(line => /plain:|untouched:/.test(line)))
    )
    const traces = answers.flatMap(line => / trace=([0-9a-f]{32})$/.exec(line)?.[1] ?? [])
    assert.equal(new Set(traces).size, 8)
  }
)

test('the client of examples/echo says in one line that nobody is there', { timeout: 60_000 }, async () => {
  const client = run('client.ts', '/ip4/127.0.0.1/tcp/1')
  const answered = textOf(client)

  const [code] = await once(client, 'close')

  assert.equal(code, 1)
  assert.match(answered(), /^\/ip4\/127\.0\.0\.1\/tcp\/1: no node listens there; [^\n]*\n$/)
})

test('the client of examples/echo says in one line how it is called', { timeout: 60_000 }, async () => {
  const client = run('client.ts')
  const answered = textOf(client)

  const [code] = await once(client, 'close')

  assert.equal(code, 64)
  assert.match(answered(), /^usage: npx node client\.ts MULTIADDR[^\n]*\n$/)
})

test(
  'the client of examples/echo says in one line that a node does not serve it',
  { timeout: 60_000 },
  async t => {
    const node = createNode(
      loadConfig({
        flags: { 'node.listen': ['/ip4/127.0.0.1/tcp/0'], 'http.enabled': false, 'log.level': 'silent' }
      }).config
    )
    t.after(() => node.stop())
    await node.start()
    const client = run('client.ts', node.status().addresses[0]!)
    const answered = textOf(client)

    const [code] = await once(client, 'close')

    assert.equal(code, 1)
    assert.match(answered(), /^over noise\n\/ip4\/\S+: does not serve shout; give the address that[^\n]*\n$/)
  }
)

test('the server of examples/echo says in one line where it cannot listen', { timeout: 60_000 }, async () => {
  const server = run('server.ts', 'localhost:4801')
  const served = textOf(server)

  const [code] = await once(server, 'close')

  assert.equal(code, 67)
  assert.match(served(), /^node\.listen\[0\]: not a multiaddr: [^\n]*\n$/)
})

const corrIdsOf = (lines: readonly string[]): readonly string[] =>
  lines.flatMap(line => / corr_id=([0-9a-f]{16})/.exec(line)?.[1] ?? [])

const { RON_NODE_URL: _, ...env } = process.env

const run = (...args: string[]): ChildProcess =>
  spawn(process.execPath, args, { cwd: ECHO, env, stdio: ['ignore', 'pipe', 'pipe'] })

function textOf(child: ChildProcess): () => string {
  let text = ''
  child.stdout?.on('data', (piece: Buffer) => (text += piece.toString()))
  child.stderr?.on('data', (piece: Buffer) => (text += piece.toString()))
  return () => text
}
