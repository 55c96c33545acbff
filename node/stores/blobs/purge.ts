import type { CollectParts } from './collect.ts'
import { KIND, rangeOf, rootsOf, tenantAndRoot } from './keys.ts'
import { rowsOf } from './row-walk.ts'
import { keysOfRoot, takeRoot } from './tenant-roots.ts'
import { aborting } from './upload.ts'

const ROOTS_AT_ONCE = 128

/** Takes away all that tenants have who were purged, pinned or not; `over` is told of uploads whose holds are left. */
export async function purge(
  parts: CollectParts,
  isPurged: (tenant: string) => boolean,
  over: (upload: string) => void
): Promise<void> {
  const { level, signal } = parts
  for await (const [key] of rowsOf(level, KIND.usage, { signal })) {
    const tenant = key.slice(1)
    if (!isPurged(tenant)) continue
    while (await purgeRoots(parts, tenant));
    await purgeUploads(parts, tenant, over)
  }
}

/** Whether there may be more. */
async function purgeRoots({ level, writer, pace, signal }: CollectParts, tenant: string): Promise<boolean> {
  const keys = await level.keys({ ...rootsOf(tenant), limit: ROOTS_AT_ONCE }).all()
  await Promise.all(
    keys.map(key => {
      const { root } = tenantAndRoot(key)
      return writer.commit({
        records: [],
        keys: keysOfRoot(tenant, root),
        apply: rows => void takeRoot(rows, tenant, root)
      })
    })
  )
  await pace.rest(signal)
  return keys.length === ROOTS_AT_ONCE
}

/** Those that are suspended; one that is open ends with its caller. */
async function purgeUploads(
  { level, writer }: CollectParts,
  tenant: string,
  over: (upload: string) => void
): Promise<void> {
  const range = rangeOf(KIND.resume, `${tenant}\0`)
  for (const [key, value] of await level.iterator({ ...range, limit: ROOTS_AT_ONCE }).all()) {
    const upload = Buffer.from(value).toString()
    const { root } = tenantAndRoot(key)
    await writer.commit(aborting(upload, tenant, root))
    over(upload)
  }
}
