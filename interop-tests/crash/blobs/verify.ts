import { BlobError, LevelBlobStore, fsckBlobs } from '../../../node/stores/blobs/index.ts'
import type { BlobStore } from '../../../node/stores/blobs/index.ts'
import { hexOf } from '../../../node/stores/blobs/keys.ts'
import { BLOBS, BLOB_OF, judge, keyOf, possibleAfter } from './history.ts'
import type { Step, Violation } from './history.ts'

export interface Verified {
  /** Tenants and blobs, as `keyOf`. */
  readonly found: readonly string[]
  readonly violations: readonly Violation[]
}

/** Holds a store that nobody has open against what was asked of it. */
export async function verify(folder: string, steps: readonly Step[]): Promise<Verified> {
  const before = await unsound(folder, 'as it was left')
  const tenants = [...new Set(steps.map(({ tenant }) => tenant))]
  const found: string[] = []
  const violations: Violation[] = []
  {
    await using store = await LevelBlobStore.open(folder, { now: Date.now, sleep: () => Promise.resolve() })
    for (const tenant of tenants)
      for (const { root } of await store.roots.list(tenant)) {
        const hex = hexOf(root.digest)
        const blob = BLOB_OF.get(hex)
        if (blob === undefined) violations.push({ rule: 'invented', detail: `${hex} of ${tenant}` })
        else {
          found.push(keyOf(tenant, blob))
          violations.push(...(await notWhole(store, tenant, blob)))
        }
      }
    await store.gc()
  }
  const after = await unsound(folder, 'opened and collected')
  return { found, violations: [...before, ...judge(possibleAfter(steps), found), ...violations, ...after] }
}

async function unsound(folder: string, when: string): Promise<readonly Violation[]> {
  const { problems } = await fsckBlobs(folder)
  return problems.map(({ kind, subject, detail }) => ({
    rule: 'unsound',
    detail: `${when}: ${kind} ${subject}: ${detail}`
  }))
}

async function notWhole(store: BlobStore, tenant: string, blob: number): Promise<readonly Violation[]> {
  const { root, blocks } = BLOBS[blob]!
  const broken = (what: string): Violation => ({
    rule: 'not_whole',
    detail: `${keyOf(tenant, blob)}: ${what}`
  })
  using lease = await store.open(tenant, root)
  if (lease === undefined) return [broken('it is listed and cannot be opened')]
  for (const { id, bytes } of blocks) {
    try {
      const found = await lease.get(id)
      if (found === undefined || !Buffer.from(bytes).equals(found))
        return [broken(`${hexOf(id.digest)} is missing`)]
    } catch (error) {
      if (!(error instanceof BlobError)) throw error
      return [broken(error.message)]
    }
  }
  return []
}
