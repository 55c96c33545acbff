import { Command as Commander, Option as CommanderOption } from 'commander'
import type { Command, CommandName, Option } from './command.ts'
import { optionsOf } from './command.ts'
import { EXIT, EXIT_MEANING } from './exit-codes.ts'
import type { ExitName } from './exit-codes.ts'
import { Invocation } from './invocation.ts'
import type { OptionValue } from './invocation.ts'
import { addArguments, positionals } from './positionals.ts'
import { asCalled, selfCommand } from './self.ts'
import type { Terminal } from './terminal.ts'

const GROUPS: Readonly<Record<string, string>> = {
  cap: 'capabilities: who may call what',
  token: 'who may use AMS over HTTP',
  tenant: 'whose data a hub serves',
  client: 'the key of this client',
  peer: 'other hubs that may federate with this one',
  treaty: 'what another hub may do here',
  federation: 'how this hub stands with others',
  receipt: 'what hubs have signed of messages',
  policy: 'which messages of other hubs are taken',
  equivocation: 'proof that a hub said two things',
  mailbox: 'durable messages by topic',
  blob: 'content by the hash of its bytes',
  dht: 'who among linked hubs has which blob',
  audit: 'what happened, and proof of it',
  key: 'keys of a hub and its node',
  config: 'configuration files',
  frame: 'single OAP/1 frames',
  registry: 'the registry of app_proto_ids'
}

const CLOSING = `
Any command takes --help, with examples and exit codes, and --json.
Results go to standard output, everything else to standard error.
Commands that call a node take its address from RON_NODE_URL when none is given, and a capability from RON_CAP.`

/**
 * The parser of a table of commands, of which the one that runs must be loaded; lists need the names alone.
 * `finish` gets the exit code of the command that ran.
 */
export function buildProgram(
  commands: readonly (Command | CommandName)[],
  version: string,
  terminal: Terminal,
  finish: (exitCode: number) => void
): Commander {
  const program = new Commander(selfCommand())
    .description('A node for hubs that federate over OAP/1.')
    .version(version, '--version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print the help of a command')
    .addHelpText('after', CLOSING)
    .exitOverride()
    .configureOutput({ outputError() {} })
    .showSuggestionAfterError()
    .configureHelp({ subcommandTerm: term })
  for (const command of commands) addCommand(program, command, terminal, finish)
  return program
}

/**
 * The words of a command line that name a command, or a group of them, also behind `help`; empty when the first word is
 * neither.
 */
export function commandWords(commands: readonly CommandName[], args: readonly string[]): string {
  const words = args.filter(word => !word.startsWith('-'))
  const [first = '', second = ''] = words[0] === 'help' ? words.slice(1) : words
  const names = commands.map(({ name }) => name)
  if (names.includes(`${first} ${second}`)) return `${first} ${second}`
  return names.some(name => name === first || name.startsWith(`${first} `)) ? first : ''
}

function addCommand(
  program: Commander,
  command: Command | CommandName,
  terminal: Terminal,
  finish: (exitCode: number) => void
): void {
  const [first = '', second] = command.name.split(' ')
  const parent = second === undefined ? program : group(program, first)
  const added = parent.command(second ?? first).summary(command.summary)
  if (!('run' in command)) return
  added.description(sentence(command)).addHelpText('after', helpTail(command)).allowExcessArguments(false)
  addArguments(added, command)
  for (const option of optionsOf(command)) added.addOption(commanderOption(option))
  added.action(async (...given: unknown[]) => {
    const args = positionals(command, given.slice(0, added.registeredArguments.length), terminal.env)
    finish(await command.run(new Invocation(terminal, args, optionValues(command, added))))
  })
}

function group(program: Commander, name: string): Commander {
  const existing = program.commands.find(command => command.name() === name)
  return (
    existing ??
    program
      .command(name)
      .description(GROUPS[name] ?? name)
      .helpCommand(false)
  )
}

/** A list of commands names them; what they take is in the help of each. */
const term = (command: Commander): string =>
  command.name() + (command.commands.length > 0 ? ' [command]' : '')

const sentence = ({ summary, details }: Command): string =>
  `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.${details === undefined ? '' : `\n\n${details}`}`

function commanderOption({ name, short, summary, value, isRequired, isList }: Option): CommanderOption {
  const flags = short === undefined ? `--${name}` : `-${short}, --${name}`
  const shape = value === undefined ? flags : `${flags} <${value}${isList === true ? '...' : ''}>`
  // Commander would look for a missing option before an unknown one, and so miss what was mistyped.
  return new CommanderOption(shape, isRequired === true ? `${summary} (required)` : summary)
}

function helpTail({ examples, exits }: Command): string {
  const shown = examples.map(({ line, says }) => `  ${asCalled(line)}\n      ${says}`)
  const names: readonly ExitName[] = ['ok', ...exits, 'usage', 'bug']
  const rows = [...new Set(names)]
    .sort((a, b) => EXIT[a] - EXIT[b])
    .map(name => `  ${String(EXIT[name]).padEnd(4)} ${EXIT_MEANING[name]}`)
  return ['', 'Examples:', ...shown, '', 'Exit codes:', ...rows].join('\n')
}

function optionValues(command: Command, parsed: Commander): Record<string, OptionValue> {
  const values = parsed.opts<Record<string, OptionValue>>()
  return Object.fromEntries(
    optionsOf(command).map(({ name }) => [
      name,
      // Commander takes --no-wait for the opposite of an option --wait.
      name.startsWith('no-') ? values[camelCase(name.slice('no-'.length))] === false : values[camelCase(name)]
    ])
  )
}

const camelCase = (name: string): string => name.replaceAll(/-([a-z])/g, (_, c: string) => c.toUpperCase())
