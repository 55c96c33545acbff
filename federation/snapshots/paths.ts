import { SNAPSHOTS } from './numbers.ts'
import { type SnapshotProblem, refused } from './refusals.ts'

/** What lists the files of a sealed folder, and its signature; neither is listed itself. */
export const SEAL_FILE = 'sha256.json'
export const SIGNATURE_FILE = 'sha256.json.minisig'

const SEGMENT = /^[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9_-])?$/
const OWN: readonly string[] = [SEAL_FILE, SIGNATURE_FILE]
const SHOWN_CHARS = 64

/** Whether a path may stand in a seal: no `..`, nothing absolute, hidden, or beyond ASCII. */
export function isSealedPath(path: string): boolean {
  if (path.length > SNAPSHOTS.pathChars || OWN.includes(path.toLowerCase())) return false
  const segments = path.split('/')
  return segments.length <= SNAPSHOTS.pathSegments && segments.every(segment => SEGMENT.test(segment))
}

/**
 * Why some paths cannot be one folder's on every disk: one that is none, one twice, two that differ in case alone, one that
 * is a folder of another. They stand in ascending order.
 */
export function pathsProblem(paths: readonly string[]): SnapshotProblem | undefined {
  const files = new Map<string, string>()
  const folders = new Map<string, string>()
  for (const [n, path] of paths.entries()) {
    if (!isSealedPath(path)) return refused('path', shown(path))
    if (files.has(path.toLowerCase())) return refused('duplicate', path)
    if (n > 0 && !(paths[n - 1]! < path)) return refused('malformed', 'items: not in ascending order')
    files.set(path.toLowerCase(), path)
    for (const folder of foldersOf(path)) {
      const other = folders.get(folder.toLowerCase())
      if (other !== undefined && other !== folder) return refused('duplicate', path)
      folders.set(folder.toLowerCase(), folder)
    }
  }
  const both = [...folders].find(([folder]) => files.has(folder))
  return both && refused('duplicate', both[1])
}

/** `a` and `a/b` of `a/b/c`. */
const foldersOf = (path: string): string[] =>
  path
    .split('/')
    .slice(0, -1)
    .map((_, n, all) => all.slice(0, n + 1).join('/'))

/** What a stranger wrote, for people: short, on one line. */
export const shown = (text: string): string => JSON.stringify(text.slice(0, SHOWN_CHARS))
