/** Licences that ask for no more than to be named; anything else is a decision for people. */
const ALLOWED = new Set([
  'MIT',
  'Apache-2.0',
  'ISC',
  '0BSD',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'CC0-1.0',
  'Unlicense',
  'Zlib',
  'Python-2.0'
])

export interface LockEntry {
  readonly license?: string
  readonly dev?: boolean
  readonly link?: boolean
  readonly version?: string
}

/** The packages that a release brings along: path, version, licence as the lock file has it. */
export function productionPackages(
  packages: Readonly<Record<string, LockEntry>>
): { path: string; version: string; licence: string }[] {
  return Object.entries(packages)
    .filter(([path, entry]) => path !== '' && entry.dev !== true && entry.link !== true)
    .map(([path, { version = '', license = '' }]) => ({ path, version, licence: license }))
}

/** True when an SPDX expression leaves a choice that is allowed. */
export function isAllowed(expression: string): boolean {
  const tokens = expression.match(/\(|\)|[^\s()]+/g) ?? []
  let at = 0
  const either = (): boolean => {
    let result = both()
    while (tokens[at]?.toUpperCase() === 'OR') {
      at++
      const other = both()
      result ||= other
    }
    return result
  }
  const both = (): boolean => {
    let result = one()
    while (tokens[at]?.toUpperCase() === 'AND') {
      at++
      const other = one()
      result &&= other
    }
    return result
  }
  const one = (): boolean => {
    const token = tokens[at++]
    if (token !== '(') return token !== undefined && ALLOWED.has(token)
    const result = either()
    return tokens[at++] === ')' && result
  }
  return either() && at === tokens.length
}
