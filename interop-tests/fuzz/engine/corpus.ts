import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Feature } from './edges.ts'

/** An input of a corpus file. A pinned one was a finding once and stays whatever it reaches. */
export interface Kept {
  readonly bytes: Uint8Array
  readonly isPinned: boolean
}

const PIN = '!'

/** The inputs of a corpus file: one in base64 a line, `!` before those that are pinned. */
export function parseCorpus(text: string): Kept[] {
  return text
    .split('\n')
    .filter(line => line !== '')
    .map((line, i) => {
      const isPinned = line.startsWith(PIN)
      const bytes = Buffer.from(isPinned ? line.slice(PIN.length) : line, 'base64')
      if (formatted({ bytes, isPinned }) !== line) throw new Error(`corpus line ${i + 1}: not base64`)
      return { bytes: Uint8Array.from(bytes), isPinned }
    })
}

const formatted = ({ bytes, isPinned }: Kept): string =>
  (isPinned ? PIN : '') + Buffer.from(bytes).toString('base64')

export const formatCorpus = (kept: readonly Kept[]): string =>
  kept
    .map(formatted)
    .sort()
    .map(line => `${line}\n`)
    .join('')

export function readCorpus(file: URL): Kept[] {
  try {
    return parseCorpus(readFileSync(file, 'utf8'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

export function writeCorpus(file: URL, kept: readonly Kept[]): void {
  mkdirSync(dirname(file.pathname), { recursive: true })
  writeFileSync(file, formatCorpus(kept))
}

/** What the corpus of one target may hold, in bytes: it is replayed in every run and lies in the repository. */
const MOST_CORPUS_BYTES = 262_144

/**
 * The fewest inputs, short ones first, that reach every feature of `all`. Above `mostBytes` the longest are
 * left out; pinned ones stay.
 */
export function minimal<T extends Kept & { readonly features: readonly Feature[] }>(
  all: readonly T[],
  mostBytes = MOST_CORPUS_BYTES
): T[] {
  const covered = new Set<Feature>()
  let left = mostBytes
  const order = [...all].sort(
    (a, b) => Number(b.isPinned) - Number(a.isPinned) || a.bytes.length - b.bytes.length
  )
  return order.filter(({ isPinned, bytes, features }) => {
    const adds = left >= bytes.length && features.some(feature => !covered.has(feature))
    if (!adds && !isPinned) return false
    for (const feature of features) covered.add(feature)
    left -= bytes.length
    return true
  })
}
