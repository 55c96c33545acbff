import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../../', import.meta.url))

/** The files of the checkout that match, without tests, suites and fixtures. Text by path. */
export function sources(...patterns: string[]): Map<string, string> {
  const files = globSync(patterns, { cwd: root }).map(file => file.replaceAll('\\', '/'))
  const shipped = files.filter(file => !/\.(test|suite|fixture)\.ts$/.test(file)).sort()
  return new Map(shipped.map(file => [file, readFileSync(root + file, 'utf8')]))
}

/** Source without comments; strings stay, so that a line keeps its number. */
export const withoutComments = (source: string): string =>
  source.replace(COMMENT_OR_STRING, found =>
    found.startsWith('/') ? found.replaceAll(/[^\n]/g, ' ') : found
  )

/** The contents of the string literals of a source. */
export const stringsIn = (source: string): string[] =>
  (source.match(COMMENT_OR_STRING) ?? [])
    .filter(found => !found.startsWith('/'))
    .map(found => found.slice(1, -1))

const COMMENT_OR_STRING =
  /\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\[\s\S]|[^`\\])*`/g
