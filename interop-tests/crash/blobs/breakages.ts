import { setTimeout as sleep } from 'node:timers/promises'
import { ClassicLevel } from 'classic-level'
import { Leases } from '../../../node/stores/blobs/leases.ts'
import { Rows } from '../../../node/stores/blobs/rows.ts'
import { TenantRoots } from '../../../node/stores/blobs/tenant-roots.ts'
import type { BlockId } from '../../../node/stores/blobs/index.ts'

const LATE_MS = 400

type Batch = (this: ClassicLevel, operations: readonly object[], options?: object) => Promise<void>
type Delete = (this: TenantRoots, tenant: string, root: BlockId) => Promise<unknown>

const { batch } = ClassicLevel.prototype as unknown as { readonly batch: Batch }
const { delete: takeAway } = TenantRoots.prototype as unknown as { readonly delete: Delete }

const BREAKAGES: Readonly<Record<string, () => void>> = {
  /** No row is synced any more; only a power cut shows it. */
  unsynced() {
    set(ClassicLevel.prototype, 'batch', function (this: ClassicLevel, operations: readonly object[]) {
      return batch.call(this, operations, { sync: false })
    } satisfies Batch)
  },
  /** Deletes are answered before they are made. */
  early() {
    set(TenantRoots.prototype, 'delete', async function (this: TenantRoots, tenant: string, root: BlockId) {
      void sleep(LATE_MS).then(() => takeAway.call(this, tenant, root))
      await Promise.resolve()
      return 'deleted'
    } satisfies Delete)
  },
  /** What a root names is not held, so that it goes with the first other that names it. */
  unheld() {
    set(Rows.prototype, 'hold', () => undefined)
    set(Leases.prototype, 'has', () => false)
  }
}

/** Breaks the store of this process on purpose: the harness must notice. */
export function breakStore(breakage: string): void {
  if (breakage === '') return
  const breaking = BREAKAGES[breakage]
  if (breaking === undefined) throw new Error(`${breakage} is no breakage`)
  breaking()
}

function set(target: object, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value })
}
