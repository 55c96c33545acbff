import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { stripVTControlCharacters } from 'node:util'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { shell, shellEnv } from './harness/shell.ts'
import type { Place } from './harness/shell.ts'

const README = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
const MOST_LINES = 150
const MOST_MS = 120_000
const FREE_PORTS = { OMNIGATE_HTTP__LISTEN: '127.0.0.1:0', OMNIGATE_NODE__LISTEN: '/ip4/127.0.0.1/tcp/0' }
const STARTED = /^stop +Ctrl-C$/m
const QUESTION = /yes or no: $/
const FINGERPRINT = /^fingerprint +([a-z2-7-]{19})$/m
const CODE = /^[\w-]{80,}$/m
/** `script` of util-linux gives a command a terminal, as a person has one. */
const NO_TERMINAL = process.platform === 'linux' ? false : 'needs the script of util-linux'

test('README.md is a page that is read in one go', () => {
  assert.ok(README.trimEnd().split('\n').length <= MOST_LINES)
})

test(
  'two hubs on one machine pair and link by the commands of README.md in under two minutes',
  { timeout: MOST_MS, skip: NO_TERMINAL },
  async t => {
    const place = await freshPlace(t)
    const [init, start] = commandsOf('## Run a hub')
    const [startOther, invite, accept, status, echo, ...rest] = commandsOf('## Link with another hub')
    assert.ok(init && start && startOther && invite && accept && status && echo && rest.length === 0)

    await done(place, init)
    const hub = new Running(t, place, start)
    // Other tests may have the port.
    const other = new Running(t, place, startOther.replace('tcp/4811', 'tcp/0'))
    await hub.says(STARTED)
    const hubId = /^hub +(h1\w+)$/m.exec(await other.says(STARTED))![1]!
    const inviting = new Running(t, place, atTerminal(invite))
    const [code] = CODE.exec(await inviting.says(CODE))!
    const accepting = new Running(t, place, atTerminal(accept.replace('CODE', code)))
    const seen = await Promise.all([inviting, accepting].map(one => one.says(QUESTION)))
    const [here, there] = seen.map(text => FINGERPRINT.exec(text)?.[1])
    assert.ok(here !== undefined && here === there, seen.join('\n'))
    for (const operator of [inviting, accepting]) {
      operator.types('yes\n')
      assert.equal(await operator.end, 0, operator.text)
    }
    while (!/^linked +1$/m.test(await done(place, status))) await sleep(100)

    assert.match(await done(place, echo.replace('HUB_ID', hubId)), /^over the link$/m)
  }
)

async function freshPlace(t: TestContext): Promise<Place> {
  const top = mkdtempSync(join(tmpdir(), 'omnigate-readme-'))
  t.after(() => rmSync(top, { recursive: true, force: true }))
  const folder = join(top, 'work')
  mkdirSync(folder)
  return { folder, env: { ...(await shellEnv(join(top, 'bin'), join(top, 'cache'))), ...FREE_PORTS } }
}

/** The lines of the first block under a heading, without their comments. */
function commandsOf(heading: string): string[] {
  const [, block = ''] = /```\n(.*?)```/s.exec(README.slice(README.indexOf(heading))) ?? []
  return block
    .trimEnd()
    .split('\n')
    .map(line => line.replace(/ +#.*/, ''))
}

const atTerminal = (command: string): string => `exec script -qec "${command}" /dev/null`

/** What a command that ends prints. */
async function done({ folder, env }: Place, command: string): Promise<string> {
  const child = shell({ folder, env }, command)
  let text = ''
  for (const stream of [child.stdout!, child.stderr!])
    stream.on('data', (piece: Buffer) => (text += String(piece)))
  const [code] = (await once(child, 'close')) as [number]
  assert.equal(code, 0, `${command}: ${text}`)
  return text
}

/** A command that waits, until the test ends. */
class Running {
  readonly end: Promise<number | null>
  readonly #child: ChildProcess
  text = ''

  constructor(t: TestContext, place: Place, command: string) {
    const child = shell(place, command.startsWith('exec ') ? command : execOf(command), { stdin: 'pipe' })
    this.#child = child
    t.after(() => child.kill('SIGKILL'))
    for (const stream of [child.stdout!, child.stderr!])
      stream.on('data', (piece: Buffer) => {
        this.text += stripVTControlCharacters(String(piece)).replaceAll('\r', '')
      })
    this.end = once(child, 'close').then(([code]) => code as number | null)
  }

  types(text: string): void {
    this.#child.stdin!.write(text)
  }

  /** All that it has said, once that matches. */
  async says(pattern: RegExp): Promise<string> {
    const ended = this.end.then(code => assert.fail(`it ended with ${code}: ${this.text}`))
    ended.catch(() => undefined)
    while (!pattern.test(this.text))
      await Promise.race([once(this.#child.stdout!, 'data'), once(this.#child.stderr!, 'data'), ended])
    return this.text
  }
}

/** The shell gives way to it, so that signals reach it. */
const execOf = (command: string): string => command.replace('omnigate', 'exec omnigate')
