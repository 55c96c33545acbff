import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { createNode, loadConfig } from 'omnigate'
import { matches } from '../docs/harness/match.ts'
import { parsePage } from '../docs/harness/page.ts'

const WAIT_MS = 30_000

test('examples/chat prints what its page shows', { timeout: 90_000 }, async t => {
  const [keygen, bobs, alices] = stepsOf('chat')
  const url = await nodeUrl(t)
  const folder = mkdtempSync(join(tmpdir(), 'omnigate-chat-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const key = join(folder, 'chat.key')
  writeFileSync(key, await textOf(new Program(t, 'chat', ['-e', /-e "(.*)"/.exec(keygen.command)![1]!], url)))
  const bob = new Program(t, 'chat', ['chat.ts', 'bob', 'alice', key], url)
  const alice = new Program(t, 'chat', ['chat.ts', 'alice', 'bob', key], url)
  await Promise.all([bob.says(/is here/), alice.says(/is here/)])

  alice.child.stdin.write('lunch?\n')
  await bob.says(/received/)
  bob.child.stdin.write('at noon\n')
  await Promise.all([alice.says(/received/), bob.says(/sent/)])

  for (const [program, step] of [
    [bob, bobs],
    [alice, alices]
  ] as const) {
    assert.equal(await program.interrupted(), 0, program.printed)
    assert.ok(matches(step.output, program.printed), program.printed)
  }
  assert.equal(/sent .*trace=(\w+)/.exec(alice.printed)![1], /received .*trace=(\w+)/.exec(bob.printed)![1])
})

test('who has another key reads nothing', { timeout: 90_000 }, async t => {
  const url = await nodeUrl(t)
  const folder = mkdtempSync(join(tmpdir(), 'omnigate-chat-'))
  t.after(() => rmSync(folder, { recursive: true }))
  for (const name of ['one', 'two'])
    writeFileSync(join(folder, name), name === 'one' ? '11'.repeat(32) : '22'.repeat(32))
  const eve = new Program(t, 'chat', ['chat.ts', 'bob', 'alice', join(folder, 'two')], url)
  const alice = new Program(t, 'chat', ['chat.ts', 'alice', 'bob', join(folder, 'one')], url)
  await alice.says(/is here/)

  alice.child.stdin.write('lunch?\n')
  await eve.says(/received/)

  assert.match(eve.printed, /alice: \(sealed with another key\)/)
})

test('examples/worker does each job once, and prints what its page shows', { timeout: 90_000 }, async t => {
  const [annas, bens, producers] = stepsOf('worker')
  const url = await nodeUrl(t)
  const anna = new Program(t, 'worker', ['worker.ts', 'anna'], url)
  const ben = new Program(t, 'worker', ['worker.ts', 'ben'], url)
  await Promise.all([anna.says(/is ready/), ben.says(/is ready/)])
  const producer = new Program(t, 'worker', ['produce.ts', '20'], url)
  const done = (): string[] =>
    [...`${anna.printed}${ben.printed}`.matchAll(/did job (\d+), attempt (\d)/g)].map(
      ([, job, attempt]) => `${job}/${attempt}`
    )

  const [code] = await producer.end
  await anna.until(() => done().length >= 20, ben)

  assert.equal(code, 0, producer.printed)
  assert.ok(matches(producers.output, producer.printed), producer.printed)
  const expected = Array.from({ length: 20 }, (_, n) => `${n + 1}/${(n + 1) % 3 === 0 ? 2 : 1}`)
  assert.deepEqual(done().toSorted(), expected.toSorted())
  for (const [program, step] of [
    [anna, annas],
    [ben, bens]
  ] as const) {
    assert.equal(await program.interrupted(), 0, program.printed)
    assert.ok(matches(step.output, program.printed), program.printed)
  }
})

for (const [folder, words] of [
  ['chat', ['chat.ts', 'bob', 'alice', 'package.json']],
  ['worker', ['worker.ts']],
  ['worker', ['produce.ts']]
] as const) {
  test(`examples/${folder}/${words[0]} says in one line what is wrong`, { timeout: 60_000 }, async t => {
    const program = new Program(t, folder, words, '/ip4/127.0.0.1/tcp/1')

    const [code] = await program.end

    assert.equal(code, 1)
    assert.match(program.printed, /^[^\n]+\n$/)
  })
}

type Step = ReturnType<typeof parsePage>['steps'][number]

function stepsOf(example: string): readonly [Step, Step, Step] {
  const page = readFileSync(fileURLToPath(new URL(`${example}/README.md`, import.meta.url)), 'utf8')
  const [first, second, third] = parsePage(page).steps
  assert.ok(first && second && third)
  return [first, second, third]
}

async function nodeUrl(t: TestContext): Promise<string> {
  const { config } = loadConfig({
    flags: {
      'node.listen': ['/ip4/127.0.0.1/tcp/0'],
      'http.enabled': false,
      'log.level': 'silent',
      'capabilities.openVerbs': ['mailbox:send', 'mailbox:recv']
    }
  })
  const node = createNode(config)
  t.after(() => node.stop())
  await node.start()
  return node.status().addresses[0]!
}

const { RON_CAP: _cap, OMNIGATE_CLIENT_KEY: _key, ...env } = process.env

/** A program of an example, with what it has printed. */
class Program {
  readonly child: ChildProcessWithoutNullStreams
  readonly end: Promise<unknown[]>
  printed = ''

  constructor(t: TestContext, example: string, words: readonly string[], url: string) {
    const cwd = fileURLToPath(new URL(`${example}/`, import.meta.url))
    this.child = spawn(process.execPath, words, { cwd, env: { ...env, RON_NODE_URL: url } })
    const hear = (piece: Buffer): void => void (this.printed += piece.toString())
    this.child.stdout.on('data', hear)
    this.child.stderr.on('data', hear)
    this.end = once(this.child, 'close')
    t.after(() => this.child.kill('SIGKILL'))
  }

  says(what: RegExp): Promise<void> {
    return this.until(() => what.test(this.printed))
  }

  /** Resolves when `holds` does after this program, or `other`, has printed something. */
  async until(holds: () => boolean, other: Program = this): Promise<void> {
    const signal = AbortSignal.timeout(WAIT_MS)
    while (!holds()) {
      const ended = this.end.then(() => assert.fail(`it ended: ${this.printed}`))
      ended.catch(() => undefined)
      await Promise.race([
        once(this.child.stdout, 'data', { signal }),
        once(other.child.stdout, 'data', { signal }),
        ended
      ])
    }
  }

  async interrupted(): Promise<number | null> {
    this.child.kill('SIGINT')
    return (await this.end)[0] as number | null
  }
}

async function textOf(program: Program): Promise<string> {
  await program.end
  return program.printed
}
