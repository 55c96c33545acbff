import type { Command, Completes, Option } from '../command.ts'
import { optionsOf } from '../command.ts'
import { argumentWords, firstWords, quoted, secondWords } from './words.ts'

const ACTIONS: Readonly<Record<Completes, string>> = { file: '_files', folder: '_files -/', nothing: ' ' }

/** A completion function for zsh: autoloaded as `_omnigate` from fpath, or sourced. */
export function zshScript(commands: readonly Command[]): string {
  const first = firstWords(commands)
  const groups = first.filter(([word]) => secondWords(commands, word).length > 0)
  return [
    '#compdef omnigate ronctl',
    '_omnigate() {',
    '  local command=$words[2]',
    `  if (( CURRENT == 2 )); then ${describe('command', first)}; return; fi`,
    '  shift words; (( CURRENT-- ))',
    '  case $command in',
    ...groups.map(
      ([group]) =>
        `    ${group}) if (( CURRENT == 2 )); then ${describe('command', secondWords(commands, group))}; return; fi; command="$command $words[2]"; shift words; (( CURRENT-- )) ;;`
    ),
    '  esac',
    '  case $command in',
    ...commands.map(commandCase),
    '  esac',
    '}',
    'if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _omnigate "$@"; else compdef _omnigate omnigate ronctl; fi'
  ].join('\n')
}

const describe = (what: string, words: readonly (readonly [string, string])[]): string =>
  `local -a list=(${words.map(([word, says]) => quoted(`${word}:${plain(says)}`)).join(' ')}); _describe ${what} list`

function commandCase(command: Command): string {
  const { words, completes, isSeveral } = argumentWords(command)
  const [argument] = command.arguments ?? []
  const action = words.length > 0 ? `(${words.join(' ')})` : ACTIONS[completes]
  const positional =
    argument === undefined ? [] : [quoted(`${isSeveral ? '*' : '1'}:${plain(argument.name)}:${action}`)]
  const specs = [...optionsOf(command).flatMap(optionSpecs), quoted('--help[print help]'), ...positional]
  return `    ${quoted(command.name)}) _arguments ${specs.join(' ')} ;;`
}

function optionSpecs({ name, short, summary, value, isList, completes }: Option): string[] {
  const repeat = isList === true ? '*' : ''
  const action = value === undefined ? '' : `:${plain(value)}:${ACTIONS[completes ?? 'nothing']}`
  const names = [`--${name}`, ...(short === undefined ? [] : [`-${short}`])]
  return names.map(spelling => quoted(`${repeat}${spelling}[${plain(summary)}]${action}`))
}

/** Without the characters that divide a specification of _arguments. */
const plain = (text: string): string => text.replaceAll(':', ',').replaceAll(/[[\]]/g, '')
