import { createHash } from 'node:crypto'
import { type CanonicalValue, canonicalJson, isTextOf } from '../canonical.ts'
import { type Form, exactly, formed, listOf, textOf, whole } from '../form.ts'
import { forms } from '../forms.ts'
import { parsedJson } from '../statement.ts'
import { SNAPSHOTS } from './numbers.ts'
import { pathsProblem, shown } from './paths.ts'
import { type Judged, type SnapshotProblem, refused } from './refusals.ts'

/** A file of a sealed folder: its SHA-256 in hex, and its length. */
export type SealedItem = { readonly bytes: number; readonly path: string; readonly sha256: string }

/** What a sealed folder holds. @see specs/federation-snapshots.md, section 2 */
export type Seal = {
  readonly count: number
  /** `2026-11-22T05:30:00Z` */
  readonly generated_at_utc: string
  /** In ascending order of their paths. */
  readonly items: readonly SealedItem[]
  /** SHA-256 in hex of what sha256sum prints for the items. */
  readonly root: string
  readonly type: string
}

/** A path that is too long is no path; which others are none is a refusal of its own. */
const path: Form<string> = (value, at, tell) =>
  typeof value === 'string' && value.length <= SNAPSHOTS.pathChars ? value : tell(at, 'not a path')

const SEAL = exactly({
  count: whole(1, SNAPSHOTS.items),
  generated_at_utc: textOf(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/, 'a time in UTC'),
  items: listOf(
    exactly({ bytes: whole(0, SNAPSHOTS.itemBytes), path, sha256: forms.hex32 }),
    SNAPSHOTS.items,
    1
  ),
  root: forms.hex32,
  type: textOf(/^[a-z0-9][a-z0-9/.-]{0,63}$/, 'a type')
})

/** The seal over some files. @throws RangeError where no seal can list them */
export function sealOf(
  type: string,
  generatedAtS: number,
  files: readonly SealedItem[]
): { readonly seal: Seal; readonly text: string } {
  const items = files.toSorted((a, b) => (a.path < b.path ? -1 : 1))
  const seal = {
    count: items.length,
    generated_at_utc: utcText(generatedAtS),
    items,
    root: rootOf(items),
    type
  }
  const text = formatSeal(seal)
  const read = parseSeal(Buffer.from(text))
  if ('why' in read) throw new RangeError(`${read.why}: ${read.about}`)
  return { seal, text }
}

const formatSeal = (seal: Seal): string => `${canonicalJson(seal as unknown as CanonicalValue)}\n`

/** Reads `sha256.json`: what it lists, and that its count, order, paths and root fit. It proves nothing yet. */
export function parseSeal(bytes: Uint8Array): Judged<Seal> {
  if (bytes.length > SNAPSHOTS.sealBytes)
    return refused('too_large', `longer than ${SNAPSHOTS.sealBytes} bytes`)
  const text = Buffer.from(bytes).toString()
  try {
    const seal: Seal = formed(SEAL, parsedJson(text))
    if (!isTextOf(text, () => formatSeal(seal))) return refused('malformed', 'not canonical JSON')
    return sealProblem(seal) ?? { value: seal }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    return refused('malformed', error.message.slice(0, 256))
  }
}

function sealProblem({ count, items, root }: Seal): SnapshotProblem | undefined {
  const problem = pathsProblem(items.map(item => item.path))
  if (problem !== undefined) return problem
  if (count !== items.length) return refused('count', `says ${count}, lists ${items.length}`)
  return root === rootOf(items) ? undefined : refused('root', 'not that of the items')
}

/** What differs between a seal and the files that were found, the first in the order of their paths. */
export function contentProblem({ items }: Seal, found: readonly SealedItem[]): SnapshotProblem | undefined {
  const byPath = new Map(found.map(item => [item.path, item]))
  for (const { path: named, bytes, sha256 } of items) {
    const file = byPath.get(named)
    if (file === undefined) return refused('missing', named)
    if (file.bytes !== bytes || file.sha256 !== sha256) return refused('changed', named)
    byPath.delete(named)
  }
  const [extra] = [...byPath.keys()].sort()
  return extra === undefined ? undefined : refused('extra', shown(extra))
}

/** SHA-256 of a line for each item: its hash, two spaces, its path, a line feed. */
export function rootOf(items: readonly SealedItem[]): string {
  const hash = createHash('sha256')
  for (const item of items) hash.update(`${item.sha256}  ${item.path}\n`)
  return hash.digest('hex')
}

/** The item of some bytes. */
export const sealedItem = (named: string, bytes: Uint8Array): SealedItem => ({
  bytes: bytes.length,
  path: named,
  sha256: createHash('sha256').update(bytes).digest('hex')
})

/** A time as a seal has it. */
export const utcText = (seconds: number): string =>
  new Date(seconds * 1000).toISOString().replace('.000Z', 'Z')
