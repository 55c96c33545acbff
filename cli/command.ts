import type { ExitName } from './exit-codes.ts'
import type { Invocation } from './invocation.ts'

/** What a shell offers for a value. */
export type Completes = 'file' | 'folder' | 'nothing'

export interface Argument {
  readonly name: string
  readonly summary: string
  /** The environment variable that stands in for it. */
  readonly env?: string
  readonly isOptional?: boolean
  /** Takes one word or more. Behind it may stand `NODE_ARGUMENT` alone. */
  readonly isSeveral?: boolean
  readonly choices?: readonly string[]
  readonly completes?: Completes
}

export interface Option {
  /** Without the dashes; `run` asks for it by this name. */
  readonly name: string
  readonly short?: string
  readonly summary: string
  /** What the value is called in help; a flag when absent. */
  readonly value?: string
  readonly isRequired?: boolean
  /** May be given several times, or with several values. */
  readonly isList?: boolean
  readonly completes?: Completes
}

export interface Example {
  readonly line: string
  readonly says: string
}

/** What a list of commands says of one. */
export interface CommandName {
  /** One or two words: `start`, `key show`. */
  readonly name: string
  readonly summary: string
}

/** A command is data; `run` loads what it needs when it runs, and yields the exit code. */
export interface CommandBody {
  /** What to know beyond the summary, and what a failure means. */
  readonly details?: string
  readonly arguments?: readonly Argument[]
  readonly options?: readonly Option[]
  readonly examples: readonly Example[]
  /** Besides ok, usage and bug, which any command may end with. */
  readonly exits: readonly ExitName[]
  readonly run: (invocation: Invocation) => Promise<number>
}

export interface Command extends CommandName, CommandBody {}

/** A command that is not loaded yet. */
export interface CommandRow extends CommandName {
  readonly load: () => Promise<Command>
}

export const JSON_OPTION: Option = { name: 'json', summary: 'print one JSON object instead of text' }

export const DATA_OPTION: Option = {
  name: 'data',
  value: 'DIR',
  summary: 'data folder of the node',
  isRequired: true,
  completes: 'folder'
}

/** Beside `DATA_OPTION`, for what looks at a configuration. */
export const CONFIG_OPTION: Option = {
  name: 'config',
  value: 'FILE',
  summary: 'configuration (default: omnigate.toml of the data folder)',
  completes: 'file'
}

export const NODE_ARGUMENT: Argument = {
  name: 'MULTIADDR',
  summary: 'address of the node, with its peer id at the end',
  env: 'RON_NODE_URL',
  completes: 'nothing'
}

export const optionsOf = (command: CommandBody): readonly Option[] => [
  ...(command.options ?? []),
  JSON_OPTION
]
