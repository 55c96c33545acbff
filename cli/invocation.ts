import { CommandError } from './command-error.ts'
import type { Option } from './command.ts'
import { EXIT } from './exit-codes.ts'
import type { Positionals } from './positionals.ts'
import type { Terminal } from './terminal.ts'

export type OptionValue = string | boolean | readonly string[] | undefined

/** One command line, read: what was given, and where answers go. */
export class Invocation {
  readonly terminal: Terminal
  readonly isJson: boolean
  readonly #arguments: Positionals
  readonly #options: Readonly<Record<string, OptionValue>>

  constructor(terminal: Terminal, args: Positionals, options: Readonly<Record<string, OptionValue>>) {
    this.terminal = terminal
    this.#arguments = args
    this.#options = options
    this.isJson = options['json'] === true
  }

  argument(name: string): string | undefined {
    const value = this.#arguments[name]
    return typeof value === 'string' ? value : undefined
  }

  /** @throws CommandError `usage`, which names the environment variable that may stand in. */
  neededArgument(name: string, env?: string): string {
    const value = this.argument(name)
    if (value !== undefined && value !== '') return value
    const wayOut = env === undefined ? '' : `; give it, or set ${env} to it`
    throw new CommandError(EXIT.usage, `${name} is missing${wayOut}`)
  }

  /** The words of an argument that takes several. @throws CommandError `usage` when there is none */
  neededWords(name: string): readonly string[] {
    const words = this.#arguments[name]
    if (Array.isArray(words) && words.length > 0) return words as readonly string[]
    throw new CommandError(EXIT.usage, `${name} is missing; give one or more`)
  }

  option(name: string): string | undefined {
    const value = this.#options[name]
    return typeof value === 'string' ? value : undefined
  }

  /** @throws CommandError `usage` */
  neededOption({ name, value: what = '' }: Pick<Option, 'name' | 'value'>): string {
    const value = this.option(name)
    if (value !== undefined && value !== '') return value
    throw new CommandError(EXIT.usage, `--${name} ${what} is missing`)
  }

  /** Whether the command has an option of this name. */
  knows(name: string): boolean {
    return Object.hasOwn(this.#options, name)
  }

  list(name: string): readonly string[] | undefined {
    const value = this.#options[name]
    return Array.isArray(value) ? value : undefined
  }

  flag(name: string): boolean {
    return this.#options[name] === true
  }

  /** Prints the result: `value` as one line of JSON when asked for, else the text. */
  show(value: unknown, text: () => string): void {
    this.terminal.result(this.isJson ? JSON.stringify(value) : text())
  }
}
