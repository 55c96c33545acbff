import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { createNode, loadConfig } from 'omnigate'
import type { OmnigateNode } from 'omnigate'
import { createClient } from 'omnigate/sdk'
import { matches } from '../docs/harness/match.ts'
import { parsePage } from '../docs/harness/page.ts'
import { secretIn } from './chat/secret.ts'
import { Program, textOf } from './program.fixture.ts'

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

/** Bob's end of a conversation, and what sends to him as alice. */
async function conversation(t: TestContext, url: string) {
  const folder = mkdtempSync(join(tmpdir(), 'omnigate-chat-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const key = join(folder, 'chat.key')
  writeFileSync(key, '11'.repeat(32))
  const program = (me: string, other: string): Program =>
    new Program(t, 'chat', ['chat.ts', me, other, key], url)
  const hub = await createClient({ url, cap: undefined, key: undefined })
  t.after(() => hub.close())
  return { program, hub, secret: await secretIn(key) }
}

test('what is typed at once arrives in its order', { timeout: 90_000 }, async t => {
  const { program } = await conversation(t, await nodeUrl(t))
  const [bob, alice] = [program('bob', 'alice'), program('alice', 'bob')]
  await Promise.all([bob.says(/is here/), alice.says(/is here/)])
  const lines = Array.from({ length: 50 }, (_, n) => `line ${n}`)

  alice.child.stdin.write(`${lines.join('\n')}\n`)
  await bob.says(/alice: line 49/)

  const seen = [...bob.printed.matchAll(/^alice: (.*)$/gm)].map(([, text]) => text)
  assert.deepEqual(seen, lines)
})

test('the other side moves nobody\u2019s cursor', { timeout: 90_000 }, async t => {
  const { program, hub, secret } = await conversation(t, await nodeUrl(t))
  const bob = program('bob', 'alice')
  await bob.says(/is here/)
  const nasty = '\u001b[2J\u009b2J\r\u202eboo'

  await hub.mailbox.send('chat/bob', await secret.seal(nasty), {
    e2e: true,
    attrs: { from: nasty, traceparent: `00-${nasty}-1-01` }
  })
  await bob.says(/received/)

  // eslint-disable-next-line no-control-regex
  assert.doesNotMatch(bob.printed.replaceAll('\n', ''), /[\p{Cc}\u202e]/u)
  assert.match(bob.printed, /^\\u\{001b\}\[2J.*: \\u\{001b\}\[2J.*boo$/m)
})

test('a line that finds no node is said so, and sent when the node is back', { timeout: 90_000 }, async t => {
  const data = join(mkdtempSync(join(tmpdir(), 'omnigate-chat-hub-')), 'hub')
  t.after(() => rmSync(join(data, '..'), { recursive: true }))
  const first = await startedNode(t, { data, listen: '/ip4/127.0.0.1/tcp/0' })
  const url = first.status().addresses[0]!
  const { program } = await conversation(t, url)
  const alice = program('alice', 'bob')
  await alice.says(/is here/)
  await first.stop()

  alice.child.stdin.write('one\ntwo\n')
  await alice.says(/not sent yet: .*; trying on\n/)
  await startedNode(t, { data, listen: /^(.*)\/p2p\//.exec(url)![1]! })
  await alice.says(/sent {5}corr_id[^]*sent {5}corr_id/)

  const bob = program('bob', 'alice')
  await bob.says(/alice: one[^]*alice: two/)
  assert.equal(await alice.interrupted(), 0, alice.printed)
})

test('what was not sent when its writer leaves is printed', { timeout: 90_000 }, async t => {
  const node = await startedNode(t)
  const { program } = await conversation(t, node.status().addresses[0]!)
  const alice = program('alice', 'bob')
  await alice.says(/is here/)
  await node.stop()

  alice.child.stdin.write('one\ntwo\n')
  await alice.says(/not sent yet/)

  assert.equal(await alice.interrupted(), 1, alice.printed)
  assert.match(alice.printed, /not sent: one\n {4}you left\n {2}not sent: two\n {4}you left\n$/)
})

test('a line that can never be sent is printed, and the next one sent', { timeout: 90_000 }, async t => {
  const { program } = await conversation(t, await nodeUrl(t))
  const alice = program('alice', 'bob')
  await alice.says(/is here/)

  alice.child.stdin.write(`${'x'.repeat(1_100_000)}\nshort\n`)
  await alice.says(/sent {5}corr_id/)
  // What was not sent comes by another pipe, in pieces.
  await alice.says(/not sent: x[^]*\n {4}\w+: /)
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

test('a worker gives back what is no job, and goes on', { timeout: 90_000 }, async t => {
  const url = await nodeUrl(t, ['mailbox:send', 'mailbox:recv', 'mailbox:dlq_list'])
  const hub = await createClient({ url, cap: undefined, key: undefined })
  t.after(() => hub.close())
  const bodies = ['no JSON \u001b[2J', '[]', '{"job":"\u001b"}', '{}', Buffer.from([0xff])]
  for (const body of bodies) await hub.mailbox.send('jobs/resize', body)
  await hub.mailbox.send('jobs/resize', '{"job":1}', { attrs: { traceparent: '00-\u001b-1-01' } })

  const anna = new Program(t, 'worker', ['worker.ts', 'anna'], url)
  await anna.says(/did job 1, attempt 1/)

  const dead: string[] = []
  for await (const { reason, history } of hub.mailbox.deadLetters('jobs/resize'))
    dead.push(`${reason} ${history.at(-1)?.reason}`)
  assert.equal(dead.length, bodies.length)
  assert.ok(
    dead.every(each => each.endsWith(' not a job')),
    dead.join()
  )
  assert.doesNotMatch(anna.printed.replaceAll('\n', ''), /\p{Cc}/u)
  assert.equal(await anna.interrupted(), 0, anna.printed)
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

interface Started {
  readonly data?: string
  readonly listen?: string
  readonly openVerbs?: readonly string[]
}

async function startedNode(t: TestContext, options: Started = {}): Promise<OmnigateNode> {
  const { data, listen = '/ip4/127.0.0.1/tcp/0', openVerbs = ['mailbox:send', 'mailbox:recv'] } = options
  const { config } = loadConfig({
    flags: {
      'node.listen': [listen],
      'http.enabled': false,
      'log.level': 'silent',
      'capabilities.openVerbs': openVerbs
    }
  })
  const node = createNode(config, { data, init: data !== undefined })
  t.after(() => node.stop())
  await node.start()
  return node
}

async function nodeUrl(t: TestContext, openVerbs?: readonly string[]): Promise<string> {
  const node = await startedNode(t, openVerbs && { openVerbs })
  return node.status().addresses[0]!
}
