import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { createNode, loadConfig } from 'omnigate'
import { matches } from '../docs/harness/match.ts'
import { parsePage } from '../docs/harness/page.ts'
import type { Step } from '../docs/harness/page.ts'
import { Program, folderOf } from './program.fixture.ts'

const EXAMPLE = folderOf('tile-server')
const NOBODY = '/ip4/127.0.0.1/tcp/1'
const { steps } = parsePage(readFileSync(`${EXAMPLE}README.md`, 'utf8'))

test(
  'examples/tile-server prints what its page shows, of a folder and of blobs',
  { timeout: 120_000 },
  async t => {
    const [making, serving, one, zoom, outside, absent, publishing, servingBlobs] = steps
    assert.ok(making && serving && one && zoom && outside && absent && publishing && servingBlobs)
    const folder = newFolder(t)
    const hub = await hubUrl(t)
    await shows(making, run(t, folder, making))

    const server = run(t, folder, serving)
    await server.says(/and at .*\n/)
    const address = addressOf(server)
    for (const step of [one, zoom, outside, absent])
      await shows(step, run(t, folder, step, { MULTIADDR: address }))
    assert.ok(readFileSync(join(folder, 'island.png')).equals(readFileSync(join(folder, 'tiles/3/4/5.png'))))
    const http = httpOf(server)
    assert.ok(readFileSync(join(folder, 'island.png')).equals(await fetched(`${http}/3/4/5.png`)))
    await ends(serving, server)

    const publisher = run(t, folder, publishing, {}, hub)
    await shows(publishing, publisher)
    const list = publisher.printed.trimEnd().split('\n').at(-1)!
    const blobServer = run(t, folder, servingBlobs, { CID: list }, hub)
    await blobServer.says(/and at .*\n/)
    for (const step of [zoom, outside, absent])
      await shows(step, run(t, folder, step, { MULTIADDR: addressOf(blobServer) }))
    assert.ok(
      readFileSync(join(folder, 'island.png')).equals(await fetched(`${httpOf(blobServer)}/3/4/5.png`))
    )
    await ends(servingBlobs, blobServer)
  }
)

test('publishing tiles twice gives one list', { timeout: 60_000 }, async t => {
  const folder = newFolder(t)
  const hub = await hubUrl(t)
  await shows(steps[0]!, run(t, folder, steps[0]!))

  const lists = []
  for (let n = 0; n < 2; n++) {
    const publisher = run(t, folder, steps[6]!, {}, hub)
    await shows(steps[6]!, publisher)
    lists.push(publisher.printed.trimEnd().split('\n').at(-1))
  }

  assert.equal(lists[0], lists[1])
})

for (const [words, code, says] of [
  [['server.ts'], 64, /^usage: npx node server\.ts FOLDER\|CID[^\n]*\n$/],
  [['server.ts', 'absent'], 1, /^ENOENT: [^\n]*absent'\n$/],
  [['server.ts', '.', '--listen', 'localhost:1'], 67, /^node\.listen\[0\]: not a multiaddr: [^\n]*\n$/],
  [['server.ts', `bafkrei${'a'.repeat(52)}`], 1, /no node listens there[^\n]*\n$/],
  [['client.ts'], 64, /^usage: npx node client\.ts MULTIADDR PATH/],
  [['client.ts', NOBODY, '/0/0/0.png'], 1, /^[^\n]*no node listens there[^\n]*\n$/],
  [['publish.ts', EXAMPLE], 1, /^[^\n]*no node listens there[^\n]*\n$/],
  [['make-tiles.ts', 'tiles', '99'], 64, /^usage: [^\n]*\n$/]
] as const) {
  test(`tile-server/${words.join(' ')} says what is wrong`, { timeout: 60_000 }, async t => {
    const program = new Program(t, 'tile-server', words, NOBODY)

    const [ended] = await program.end

    assert.equal(ended, code, program.printed)
    assert.match(program.printed, says)
  })
}

/** What stands for parts of a command that depend on what was printed before. */
type Names = Readonly<Record<string, string>>

function run(t: TestContext, folder: string, { command }: Step, names: Names = {}, url = NOBODY): Program {
  const [, program = '', ...words] = command.split(' ').slice(1)
  const filled = words.map(word => filledIn(word, names))
  return new Program(t, 'tile-server', [join(EXAMPLE, program), ...filled], url, folder)
}

const filledIn = (word: string, { MULTIADDR, CID }: Names): string =>
  word.startsWith('/ip4/') ? MULTIADDR! : word.startsWith('bafk') ? CID! : word

async function shows({ output, exitCode }: Step, program: Program): Promise<void> {
  const [code] = await program.end
  assert.equal(code, exitCode, program.printed)
  assert.ok(matches(output, program.printed), program.printed)
}

async function ends({ output }: Step, server: Program): Promise<void> {
  assert.equal(await server.interrupted(), 0, server.printed)
  assert.ok(matches(output, server.printed), server.printed)
}

const addressOf = ({ printed }: Program): string => /serving at (\S+)/.exec(printed)![1]!

const httpOf = ({ printed }: Program): string => /and at +(\S+)/.exec(printed)![1]!

const fetched = async (url: string): Promise<Uint8Array> =>
  new Uint8Array(await (await fetch(url)).arrayBuffer())

async function hubUrl(t: TestContext): Promise<string> {
  const { config } = loadConfig({
    flags: {
      'node.listen': ['/ip4/127.0.0.1/tcp/0'],
      'http.enabled': false,
      'log.level': 'silent',
      'strangers.loopbackIsKnown': true,
      'capabilities.openVerbs': ['storage:put']
    }
  })
  const node = createNode(config)
  t.after(() => node.stop())
  await node.start()
  return node.status().addresses[0]!
}

function newFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'omnigate-tiles-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
