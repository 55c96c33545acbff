import { isDeepStrictEqual } from 'node:util'
import { ConfigError } from './config-error.ts'
import { loadConfig } from './load.ts'
import type { SourceFile } from './layers.ts'

export type Settings = Readonly<Record<string, string | boolean>>

/**
 * The text of a configuration file with these keys, by path, set to these values; comments and all else stay as they are. A line
 * that sets a key, or is its commented default, is replaced, and one comes after the head of its section otherwise.
 * @throws ConfigError where the file is wrong, or sets one of the keys in a way that no line can be put in place of.
 */
export function withSettings(file: SourceFile, settings: Settings): string {
  const before = loadConfig({ file }).config
  const text = Object.entries(settings).reduce(
    (lines, [path, value]) => withLine(lines, path, value),
    file.text
  )
  if (!isAsMeant(before, { ...file, text }, settings))
    throw new ConfigError(
      Object.entries(settings).map(([path, value]) => ({
        path,
        message: `cannot be set in ${file.path} by this command; write it there yourself: ${JSON.stringify(value)}`
      }))
    )
  return text
}

/** Whether the new text sets the settings and nothing else. */
function isAsMeant(before: object, file: SourceFile, settings: Settings): boolean {
  try {
    const after = loadConfig({ file }).config
    return isDeepStrictEqual(flat(after), { ...flat(before), ...settings })
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    // What contradicts another key is the operator's to know; what is no TOML any more is ours.
    if (error.problems.some(problem => !problem.startsWith(file.path))) throw error
    return false
  }
}

const flat = (config: object): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(config).flatMap(([section, values]) =>
      Object.entries(values as object).map(([key, value]: [string, unknown]) => [`${section}.${key}`, value])
    )
  )

function withLine(text: string, path: string, value: string | boolean): string {
  const [section = '', key = ''] = path.split('.')
  const line = `${key} = ${JSON.stringify(value)}`
  const lines = text.split('\n')
  const head = lines.findIndex(each => new RegExp(`^\\s*\\[\\s*${section}\\s*\\]\\s*(#.*)?$`).test(each))
  if (head === -1) return `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}\n[${section}]\n${line}\n`
  const next = lines.findIndex((each, n) => n > head && /^\s*\[/.test(each))
  const end = next === -1 ? lines.length : next
  const within = (form: RegExp): number =>
    lines.findIndex((each, n) => n > head && n < end && form.test(each))
  const set = within(new RegExp(`^\\s*${key}\\s*=`))
  const at = set === -1 ? within(new RegExp(`^#${key} =`)) : set
  return (at === -1 ? lines.toSpliced(head + 1, 0, line) : lines.with(at, line)).join('\n')
}
