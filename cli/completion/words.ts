import type { Command, Completes, Option } from '../command.ts'
import { optionsOf } from '../command.ts'

/** The first words of all commands, each with what it says. */
export function firstWords(commands: readonly Command[]): readonly (readonly [string, string])[] {
  const words = new Map<string, string>()
  for (const { name, summary } of commands) {
    const [first = '', second] = name.split(' ')
    words.set(
      first,
      second === undefined
        ? summary
        : `commands: ${secondWords(commands, first)
            .map(([w]) => w)
            .join(', ')}`
    )
  }
  return [...words]
}

/** The second words that belong to a first one; none for a command of one word. */
export function secondWords(
  commands: readonly Command[],
  first: string
): readonly (readonly [string, string])[] {
  return commands.flatMap(({ name, summary }) => {
    const [group, word] = name.split(' ')
    return group === first && word !== undefined ? [[word, summary] as const] : []
  })
}

/** An option as it is typed: `--data`, `-o`. */
export const spellings = ({ name, short }: Option): readonly string[] => [
  `--${name}`,
  ...(short === undefined ? [] : [`-${short}`])
]

/** All options of a command as typed, `--help` included. */
export const allSpellings = (command: Command): readonly string[] => [
  ...optionsOf(command).flatMap(spellings),
  '--help'
]

/** What completes the first argument of a command, and whether it does the words that follow. */
export function argumentWords(command: Command): {
  readonly words: readonly string[]
  readonly completes: Completes
  readonly isSeveral: boolean
} {
  const [argument] = command.arguments ?? []
  return {
    words: argument?.choices ?? [],
    completes: argument?.completes ?? 'nothing',
    isSeveral: argument?.isSeveral === true
  }
}

/** `text` in single quotes for bash, zsh and fish alike. It must hold no single quote and no backslash. */
export function quoted(text: string): string {
  return `'${text.replaceAll(/['\\]/g, '')}'`
}
