import { Argument as CommanderArgument } from 'commander'
import type { Command as Commander } from 'commander'
import type { Argument, Command } from './command.ts'

/** What was given for the arguments of a command, by their names. */
export type Positionals = Readonly<Record<string, string | readonly string[] | undefined>>

/** Declares the arguments of a command, with their lines of help. */
export function addArguments(added: Commander, { arguments: declared = [] }: Command): void {
  const all = declared.map(commanderArgument)
  const several = declared.findIndex(({ isSeveral }) => isSeveral)
  // Commander takes several words for the last argument alone: it gets them all, and `positionals` divides them.
  for (const argument of several === -1 ? all : all.slice(0, several + 1)) added.addArgument(argument)
  if (several === -1) return
  added
    .usage(['[options]', ...all.map(humanReadable)].join(' '))
    .configureHelp({ visibleArguments: () => [...all] })
}

/**
 * Divides the words that Commander read among the arguments of a command. Behind an argument of several words stands an
 * address or nothing: the last word is it when it begins with `/`.
 */
export function positionals(
  { arguments: declared = [] }: Command,
  read: readonly unknown[],
  env: Readonly<Record<string, string | undefined>>
): Positionals {
  const values = read.slice(0, declared.length)
  const at = declared.findIndex(({ isSeveral }) => isSeveral)
  if (at !== -1) values.splice(at, Infinity, ...divided(values[at], at + 1 < declared.length))
  return Object.fromEntries(
    declared.map(({ name, env: variable }, n) => {
      const value = values[n]
      if (typeof value === 'string' || isWords(value)) return [name, value] as const
      return [name, variable === undefined ? undefined : env[variable]] as const
    })
  )
}

function divided(read: unknown, hasAddress: boolean): readonly unknown[] {
  const words = isWords(read) ? read : []
  const last = words.at(-1)
  return hasAddress && last?.startsWith('/') === true ? [words.slice(0, -1), last] : [words]
}

const isWords = (value: unknown): value is readonly string[] => Array.isArray(value)

function commanderArgument({
  name,
  summary,
  env,
  isOptional,
  isSeveral,
  choices
}: Argument): CommanderArgument {
  const isOpen = isOptional === true || env !== undefined
  const text = env === undefined ? summary : `${summary} (default: ${env} of the environment)`
  const shape = isSeveral === true ? `${name}...` : name
  const argument = new CommanderArgument(isOpen ? `[${shape}]` : `<${shape}>`, text)
  return choices === undefined ? argument : argument.choices([...choices])
}

function humanReadable(argument: CommanderArgument): string {
  const name = argument.variadic ? `${argument.name()}...` : argument.name()
  return argument.required ? `<${name}>` : `[${name}]`
}
