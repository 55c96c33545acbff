import assert from 'node:assert/strict'
import { test } from 'node:test'
import { COMMANDS } from './commands/index.ts'
import { NODE_ARGUMENT } from './command.ts'
import type { Command } from './command.ts'
import { completionScript } from './completion/script.ts'
import { EXIT } from './exit-codes.ts'
import { main } from './main.ts'
import { buildProgram, commandWords } from './program.ts'
import type { Invocation } from './invocation.ts'
import type { Terminal } from './terminal.ts'

class WrittenTerminal implements Terminal {
  results: string[] = []
  notes: string[] = []
  readonly env: Record<string, string> = {}
  result(text: string): void {
    this.results.push(text)
  }
  note(text: string): void {
    this.notes.push(text)
  }
  progress(): void {}
  style(_style: string, text: string): string {
    return text
  }
}

test('tells a wrong command line in one line and ends with 64', async () => {
  for (const args of [
    ['helo'],
    ['init', '--dat'],
    ['init'],
    ['hello'],
    ['frame', 'decode'],
    ['start', 'extra']
  ]) {
    const terminal = new WrittenTerminal()

    const code = await main(args, terminal)

    assert.equal(code, EXIT.usage, args.join(' '))
    assert.equal(terminal.notes.length, 1, args.join(' '))
    assert.match(terminal.notes[0] ?? '', /^omnigate: [^\n]+$/)
    assert.deepEqual(terminal.results, [])
  }
})

test('sends who mistyped to the help of that command', async () => {
  for (const [args, says] of [
    [['helo'], /^omnigate: unknown command 'helo' .*; see: omnigate --help$/],
    [['init'], /^omnigate: --data DIR is missing; see: omnigate init --help$/],
    [['init', '--dat'], /; see: omnigate init --help$/],
    [['frame', 'decod'], /; see: omnigate frame --help$/],
    [['frame', 'decode'], /; see: omnigate frame decode --help$/],
    [
      ['hello'],
      /^omnigate: MULTIADDR is missing; give it, or set RON_NODE_URL to it; see: omnigate hello --help$/
    ],
    [['echo'], /--text TEXT or --file FILE; see: omnigate echo --help$/]
  ] as const) {
    const terminal = new WrittenTerminal()

    await main([...args], terminal)

    assert.match(terminal.notes.join('\n'), says)
  }
})

const HEX_FILE = 'of a file with hex: omnigate frame decode - < FILE'

test('tells a failure as one JSON object when results are JSON', async () => {
  const terminal = new WrittenTerminal()

  const code = await main(['frame', 'decode', 'xy', '--json'], terminal)

  assert.equal(code, EXIT.badInput)
  assert.deepEqual(JSON.parse(terminal.notes.join()), {
    error: { exit_code: 65, problems: [`the input: "x" at digit 0 is not a hex digit; ${HEX_FILE}`] }
  })
})

const WHERE = { name: 'WHERE', summary: 'where', env: 'RON_NODE_URL' }
const SEVERAL = [{ name: 'WHAT', summary: 'what', isSeveral: true }, WHERE]

const probe = (
  run: (invocation: Invocation) => Promise<number>,
  args: Command['arguments'] = [WHERE]
): Command => ({
  name: 'probe',
  summary: 'probe',
  arguments: args,
  options: [
    { name: 'listen', value: 'MULTIADDR', summary: 'listen', isList: true },
    { name: 'no-wait', summary: 'do not wait' },
    { name: 'dry-run', summary: 'dry' },
    { name: 'output', short: 'o', value: 'FILE', summary: 'out' }
  ],
  examples: [],
  exits: [],
  run
})

async function invoked(
  args: string[],
  env: Record<string, string> = {},
  declared?: Command['arguments']
): Promise<Invocation> {
  const terminal = new WrittenTerminal()
  Object.assign(terminal.env, env)
  let seen: Invocation | undefined
  const command = probe(invocation => {
    seen = invocation
    return Promise.resolve(EXIT.ok)
  }, declared)
  await buildProgram([command], '0', terminal, () => undefined).parseAsync(['probe', ...args], {
    from: 'user'
  })
  assert.ok(seen)
  return seen
}

test('hands lists, flags of two words, short options and arguments to the command', async () => {
  const seen = await invoked([
    'here',
    '--listen',
    'a',
    'b',
    '--listen',
    'c',
    '--dry-run',
    '--no-wait',
    '-o',
    'f',
    '--json'
  ])

  assert.deepEqual(seen.list('listen'), ['a', 'b', 'c'])
  assert.equal(seen.flag('dry-run'), true)
  assert.equal(seen.flag('no-wait'), true)
  assert.equal((await invoked(['here'])).flag('no-wait'), false)
  assert.equal(seen.option('output'), 'f')
  assert.equal(seen.argument('WHERE'), 'here')
  assert.equal(seen.isJson, true)
})

test('takes an argument from the environment only when it is not given', async () => {
  const env = { RON_NODE_URL: '/ip4/127.0.0.1/tcp/1' }

  assert.equal((await invoked([], env)).argument('WHERE'), env.RON_NODE_URL)
  assert.equal((await invoked(['/other'], env)).argument('WHERE'), '/other')
  const without = await invoked([])
  assert.throws(() => without.neededArgument('WHERE', 'RON_NODE_URL'), {
    exitCode: EXIT.usage,
    message: /RON_NODE_URL/
  })
})

test('takes several words for an argument, and an address behind them', async () => {
  const env = { RON_NODE_URL: '/ip4/127.0.0.1/tcp/1' }
  const given = async (...words: string[]) => {
    const seen = await invoked(words, env, SEVERAL)
    return [seen.neededWords('WHAT'), seen.argument('WHERE'), seen.flag('dry-run')]
  }

  assert.deepEqual(await given('a'), [['a'], env.RON_NODE_URL, false])
  assert.deepEqual(await given('a', 'b', '--dry-run', 'c'), [['a', 'b', 'c'], env.RON_NODE_URL, true])
  assert.deepEqual(await given('a', '--dry-run', 'b', '/other'), [['a', 'b'], '/other', true])
  assert.deepEqual(await given('a', '/b', 'c'), [['a', '/b', 'c'], env.RON_NODE_URL, false])
  await assert.rejects(given('/other'), {
    exitCode: EXIT.usage,
    message: 'WHAT is missing; give one or more'
  })
  await assert.rejects(given(), /missing required argument 'WHAT'/)
  const alone = await invoked(['a', '/b'], env, SEVERAL.slice(0, 1))
  assert.deepEqual(alone.neededWords('WHAT'), ['a', '/b'])
})

test('has an address behind an argument of several words in the help', () => {
  const written = buildProgram(
    [probe(() => Promise.resolve(EXIT.ok), SEVERAL)],
    '0',
    new WrittenTerminal(),
    () => undefined
  ).commands[0]!.helpInformation()

  assert.match(written, /^Usage: \S+ probe \[options\] <WHAT\.\.\.> \[WHERE\]\n/)
  assert.match(written, /\n {2}WHAT +what\n {2}WHERE +where \(default: RON_NODE_URL of the environment\)\n/)
})

test('completes every word of an argument of several, and the first of others', () => {
  const folders = (isSeveral: boolean) =>
    probe(() => Promise.resolve(EXIT.ok), [{ name: 'WHAT', summary: 'what', isSeveral, completes: 'folder' }])

  assert.match(completionScript('bash', [folders(true)]), /COMP_CWORD >= at\)\); then compopt/)
  assert.match(completionScript('bash', [folders(false)]), /COMP_CWORD == at\)\); then compopt/)
  assert.match(completionScript('zsh', [folders(true)]), /'\*:WHAT:_files -\/' /)
  assert.match(completionScript('zsh', [folders(false)]), /'1:WHAT:_files -\/' /)
})

test('knows which command a line calls or asks about', () => {
  for (const [line, name] of [
    ['init --data x', 'init'],
    ['cap inspect token', 'cap inspect'],
    ['cap --json', 'cap'],
    ['help cap inspect', 'cap inspect'],
    ['help', ''],
    ['-h cap inspect', 'cap inspect'],
    ['nosuch inspect', '']
  ] as const) {
    assert.equal(commandWords(COMMANDS, line.split(' ')), name, line)
  }
})

test('a list of commands names those that are not loaded', () => {
  const names = [
    { name: 'first', summary: 'does the one' },
    { name: 'of two', summary: 'does the other' }
  ]

  const program = buildProgram(names, '0', new WrittenTerminal(), () => undefined)

  assert.match(program.helpInformation(), /\n {2}first +does the one\n {2}of \[command\] +of\n/)
  assert.match(program.commands[1]!.helpInformation(), /\n {2}two +does the other\n/)
})

test('every command has a summary, examples that name it, and known exit codes', async () => {
  const commands = await Promise.all(COMMANDS.map(command => command.load()))

  for (const { name, summary, examples, exits, arguments: declared = [] } of commands) {
    assert.doesNotMatch(summary, /\.$|^[A-Z]/, name)
    assert.ok(examples.length > 0, name)
    for (const { line } of examples) assert.ok(line.includes(`omnigate ${name}`), line)
    for (const exit of exits) assert.ok(exit in EXIT, `${name}: ${exit}`)
    const several = declared.findIndex(({ isSeveral }) => isSeveral)
    if (several !== -1) assert.deepEqual(declared.slice(several + 1), [NODE_ARGUMENT], name)
  }
})
