import { hexOf } from '../../../node/stores/blobs/keys.ts'
import { blobOf, seeded } from '../../../node/stores/blobs/blobs.fixture.ts'
import type { Blob } from '../../../node/stores/blobs/blobs.fixture.ts'

/** What a tenant asked for about one of `BLOBS`, one thing after the other; times are milliseconds of the monotonic clock. */
export interface Step {
  readonly is: 'put' | 'delete'
  readonly tenant: string
  readonly blob: number
  readonly asked: number
  /** Without it, it may have happened or not. */
  readonly answered?: number
}

export type Rule =
  /** Acknowledged, not deleted since, and not there. */
  | 'lost'
  /** Deleted, and there again. */
  | 'came_back'
  /** A root that nobody put. */
  | 'invented'
  /** A root that is there, and of which a block is missing or wrong. */
  | 'not_whole'
  /** What the check of the store finds. */
  | 'unsound'

export interface Violation {
  readonly rule: Rule
  readonly detail: string
}

const COMMON = seeded('common', 64 * 1024)
const LENGTHS = [700, 7, 300, 5000, 40_000, 150_000, 400_000, 1_600_000]

/** Blobs of all sizes, half of which have most of their blocks in common with others. */
export const BLOBS: readonly (Blob & { readonly bytes: Uint8Array })[] = Array.from(
  { length: 24 },
  (_, i) => {
    const own = seeded(`blob ${i}`, i === 0 ? 0 : LENGTHS[i % LENGTHS.length]!)
    const bytes = i % 2 === 0 ? own : Buffer.concat([COMMON, own])
    return { ...blobOf(bytes, { leafBytes: i % 8 === 7 ? 65_536 : 4096, links: 8 }), bytes }
  }
)

/** Which of `BLOBS` has this root. */
export const BLOB_OF: ReadonlyMap<string, number> = new Map(
  BLOBS.map(({ root }, i) => [hexOf(root.digest), i])
)

/** What was known at a time: what was asked later is not in it, what was answered later has no answer. */
export function knownBy(steps: readonly Step[], atMs: number): readonly Step[] {
  return steps
    .filter(({ asked }) => asked <= atMs)
    .map(({ answered, ...step }) =>
      answered !== undefined && answered <= atMs ? { ...step, answered } : step
    )
}

/** Whether a blob of a tenant may, and may not, be there after these steps. */
export interface Possible {
  readonly there: boolean
  readonly absent: boolean
}

/** By tenant and blob; what is not in it was never asked for. */
export function possibleAfter(steps: readonly Step[]): ReadonlyMap<string, Possible> {
  const possible = new Map<string, Possible>()
  for (const { is, tenant, blob, answered } of steps) {
    const key = keyOf(tenant, blob)
    const before = possible.get(key) ?? { there: false, absent: true }
    const isThere = is === 'put'
    if (answered !== undefined) possible.set(key, { there: isThere, absent: !isThere })
    else possible.set(key, { there: before.there || isThere, absent: before.absent || !isThere })
  }
  return possible
}

export const keyOf = (tenant: string, blob: number): string => `${tenant} ${blob}`

/** Where the history goes on: what was found is what there is. */
export const startingFrom = (found: readonly string[]): readonly Step[] =>
  found.map(key => {
    const [tenant = '', blob] = key.split(' ')
    return { is: 'put', tenant, blob: Number(blob), asked: 0, answered: 0 }
  })

/** What is wrong with what was found, whole or not, by what may be there. */
export function judge(
  possible: ReadonlyMap<string, Possible>,
  found: readonly string[]
): readonly Violation[] {
  const violations: Violation[] = []
  for (const key of found) {
    const may = possible.get(key)
    if (may === undefined) violations.push({ rule: 'invented', detail: key })
    else if (!may.there) violations.push({ rule: 'came_back', detail: key })
  }
  const isThere = new Set(found)
  for (const [key, { absent }] of possible)
    if (!absent && !isThere.has(key)) violations.push({ rule: 'lost', detail: key })
  return violations
}
