import type { Command, Completes, Option } from '../command.ts'
import { optionsOf } from '../command.ts'
import { argumentWords, firstWords, quoted, secondWords } from './words.ts'

const ACTIONS: Readonly<Record<Completes, string>> = {
  file: '-F',
  folder: "-a '(__fish_complete_directories)'",
  nothing: ''
}

/** Completions for fish, once for each name of the program. */
export function fishScript(commands: readonly Command[]): string {
  return ['omnigate', 'ronctl']
    .flatMap(name => [`# Completion of ${name} for fish.`, ...lines(name, commands)])
    .join('\n')
}

function lines(program: string, commands: readonly Command[]): string[] {
  const complete = `complete -c ${program}`
  return [
    `${complete} -f`,
    ...firstWords(commands).map(
      ([word, says]) => `${complete} -n __fish_use_subcommand -a ${word} -d ${quoted(says)}`
    ),
    ...commands.flatMap(command => commandLines(complete, command, commands))
  ]
}

function commandLines(complete: string, command: Command, commands: readonly Command[]): string[] {
  const [first = '', second] = command.name.split(' ')
  const inFirst = `__fish_seen_subcommand_from ${first}`
  const inside = second === undefined ? inFirst : `${inFirst}; and __fish_seen_subcommand_from ${second}`
  const others = secondWords(commands, first).map(([word]) => word)
  const offer =
    second === undefined
      ? []
      : [
          `${complete} -n ${quoted(`${inFirst}; and not __fish_seen_subcommand_from ${others.join(' ')}`)} -a ${second} -d ${quoted(command.summary)}`
        ]
  const { words, completes } = argumentWords(command)
  const argument = words.length > 0 ? `-a ${quoted(words.join(' '))}` : ACTIONS[completes]
  return [
    ...offer,
    ...optionsOf(command).map(option => `${complete} -n ${quoted(inside)} ${optionText(option)}`),
    ...(argument === '' ? [] : [`${complete} -n ${quoted(inside)} ${argument}`])
  ]
}

function optionText({ name, short, summary, value, completes }: Option): string {
  const names = short === undefined ? `-l ${name}` : `-l ${name} -s ${short}`
  const takes = value === undefined ? '' : ` -r ${ACTIONS[completes ?? 'nothing']}`
  return `${names} -d ${quoted(summary)}${takes}`.trimEnd()
}
