import { readFileSync } from 'node:fs'
import { CommanderError } from 'commander'
import { COMMANDS } from './commands/index.ts'
import { EXIT } from './exit-codes.ts'
import { describeFailure } from './failure.ts'
import type { Failure } from './failure.ts'
import { buildProgram, commandWords } from './program.ts'
import { selfCommand } from './self.ts'
import { processTerminal } from './terminal.ts'
import type { Terminal } from './terminal.ts'

/** Runs one command line, without the program's name, and resolves with the exit code of the process. */
export async function main(args: string[], terminal: Terminal = processTerminal): Promise<number> {
  if (terminal === processTerminal) endWithTheReader()
  let exitCode: number = EXIT.ok
  try {
    const name = commandWords(COMMANDS, args)
    const named = await COMMANDS.find(row => row.name === name)?.load()
    const commands = COMMANDS.map(row => (row.name === name && named !== undefined ? named : row))
    const program = buildProgram(commands, version(), terminal, code => (exitCode = code))
    await program.parseAsync(askedFor(args, name), { from: 'user' })
    return exitCode
  } catch (error) {
    if (error instanceof CommanderError) return endParsing(error, args, terminal)
    return report(withHelp(describeFailure(error), args), args, terminal)
  }
}

/** What `help NAME` asks for is the help of that command, of two words too. */
const askedFor = (args: string[], name: string): string[] =>
  args[0] === 'help' && name !== '' ? [...name.split(' '), '--help'] : args

function version(): string {
  const { version: text } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  return text
}

function endParsing(
  { code, exitCode, message }: CommanderError,
  args: readonly string[],
  terminal: Terminal
): number {
  // Help or version was asked for and is printed.
  if (exitCode === 0) return EXIT.ok
  // A group without its command, or no command at all: the help is on standard error already.
  if (code === 'commander.help') return EXIT.usage
  const line = message
    .replace(/^error: /, '')
    .replaceAll(/\s*\n\s*/g, ' ')
    .replace(/\.$/, '')
  return report(withHelp({ exitCode: EXIT.usage, lines: [line] }, args), args, terminal)
}

/** Of a wrong command line, where its help is. */
function withHelp(failure: Failure, args: readonly string[]): Failure {
  if (failure.exitCode !== EXIT.usage) return failure
  const help = [selfCommand(), commandWords(COMMANDS, args), '--help'].filter(word => word !== '').join(' ')
  return { ...failure, lines: failure.lines.map(line => `${line}; see: ${help}`) }
}

function report({ exitCode, lines, stack }: Failure, args: readonly string[], terminal: Terminal): number {
  if (args.includes('--json')) {
    terminal.note(
      JSON.stringify({ error: { exit_code: exitCode, problems: lines, ...(stack && { stack }) } })
    )
    return exitCode
  }
  for (const line of lines) terminal.note(`omnigate: ${line}`)
  if (stack !== undefined) terminal.note(stack)
  return exitCode
}

/** `omnigate ... | head` closes our standard output: nobody reads on, so there is nothing left to do. */
function endWithTheReader(): void {
  process.stdout.on('error', error => {
    if ('code' in error && error.code === 'EPIPE') process.exit(EXIT.ok)
    throw error
  })
}
