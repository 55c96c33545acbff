import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { numbers } from './change.ts'

/** Versions that have a folder in `releases/`, lowest first. */
export function releasedVersions(root: string): string[] {
  const folder = join(root, 'releases')
  if (!existsSync(folder)) return []
  const versions = readdirSync(folder).filter(name => /^\d+\.\d+\.\d+(-[\w.]+)?$/.test(name))
  return versions.sort(compareVersions)
}

/** The API report that a release was made with. */
export const releasedReport = (root: string, version: string): string =>
  readFileSync(join(root, 'releases', version, 'api.md'), 'utf8')

function compareVersions(a: string, b: string): number {
  const [x, y] = [numbers(a), numbers(b)]
  const at = x.findIndex((number, index) => number !== y[index])
  if (at >= 0) return x[at]! - y[at]!
  return a === b ? 0 : Number(b.includes('-')) - Number(a.includes('-')) || (a < b ? -1 : 1)
}
