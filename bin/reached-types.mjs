// @ts-check
import { join } from 'node:path/posix'

const IMPORT = /(?:\bfrom\s+|\bimport\s*\(\s*|\bimport\s+)(['"])(\.{1,2}\/[^'"]*)\.js\1/g

/**
 * The declaration files that a consumer's compiler may ask for: the entries, and what they lead to by relative imports.
 * @param {readonly string[]} entries paths with `/`
 * @param {(path: string) => string} read its text; throws where there is none
 * @returns {Set<string>}
 */
export function reachedTypes(entries, read) {
  const reached = new Set(entries)
  // A Set's iterator also comes to what is added on the way.
  for (const path of reached)
    for (const [, , target] of read(path).matchAll(IMPORT))
      reached.add(`${join(path, '..', target ?? '')}.d.ts`)
  return reached
}
