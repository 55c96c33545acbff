import type { Command, Completes } from '../command.ts'
import { optionsOf } from '../command.ts'
import { allSpellings, argumentWords, firstWords, secondWords, spellings } from './words.ts'

const GENERATED: Readonly<Record<Completes, string>> = {
  file: 'compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur"))',
  folder: 'compopt -o filenames; COMPREPLY=($(compgen -d -- "$cur"))',
  nothing: 'COMPREPLY=()'
}

const words = (list: readonly string[]): string => `COMPREPLY=($(compgen -W "${list.join(' ')}" -- "$cur"))`

/** A completion function for bash 4 and later. */
export function bashScript(commands: readonly Command[]): string {
  const first = firstWords(commands).map(([word]) => word)
  const groups = first.filter(word => secondWords(commands, word).length > 0)
  return [
    '# Completion of omnigate for bash.',
    '_omnigate() {',
    '  local IFS=$\' \\t\\n\' cur="${COMP_WORDS[COMP_CWORD]}" prev="${COMP_WORDS[COMP_CWORD-1]}" command="${COMP_WORDS[1]}" at=2',
    `  if ((COMP_CWORD == 1)); then ${words([...first, 'help', '--help', '--version'])}; return; fi`,
    '  case "$command" in',
    ...groups.map(
      group =>
        `    ${group}) if ((COMP_CWORD == 2)); then ${words(secondWords(commands, group).map(([word]) => word))}; return; fi; command="$command \${COMP_WORDS[2]}"; at=3 ;;`
    ),
    '  esac',
    "  IFS=$'\\n'",
    '  case "$command $prev" in',
    ...commands.flatMap(valueCases),
    '  esac',
    '  case "$command" in',
    ...commands.map(commandCase),
    '  esac',
    '}',
    'complete -F _omnigate omnigate ronctl'
  ].join('\n')
}

function valueCases(command: Command): string[] {
  return optionsOf(command)
    .filter(({ value }) => value !== undefined)
    .map(option => {
      const patterns = spellings(option).map(spelling => `"${command.name} ${spelling}"`)
      return `    ${patterns.join('|')}) ${GENERATED[option.completes ?? 'nothing']}; return ;;`
    })
}

function commandCase(command: Command): string {
  const { words: choices, completes, isSeveral } = argumentWords(command)
  const argument = choices.length > 0 ? lines(choices) : GENERATED[completes]
  const where = isSeveral ? 'COMP_CWORD >= at' : 'COMP_CWORD == at'
  return `    "${command.name}") if [[ $cur == -* ]]; then ${lines(allSpellings(command))}; elif ((${where})); then ${argument}; fi ;;`
}

const lines = (list: readonly string[]): string =>
  `COMPREPLY=($(compgen -W $'${list.join('\\n')}' -- "$cur"))`
