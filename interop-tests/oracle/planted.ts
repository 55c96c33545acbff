import { StoredUpload } from '../../node/stores/blobs/upload.ts'
import { TenantRoots } from '../../node/stores/blobs/tenant-roots.ts'
import type { BlockId } from '../../node/stores/blobs/index.ts'

const LONGER_MS = 3

type OfBlock = (this: object, id: BlockId, ...rest: unknown[]) => unknown
type OfReader = (this: object, tenant: unknown, id: BlockId, ...rest: unknown[]) => unknown

/** Has this process take longer for what any tenant has stored: the comparison must notice. */
export function plantOracle(): void {
  const stored = new Set<string>()
  const lingers = ({ digest }: BlockId): void => {
    if (!stored.has(digest.toString())) return
    const until = performance.now() + LONGER_MS
    while (performance.now() < until);
  }
  const { finish, write } = StoredUpload.prototype as unknown as Record<'finish' | 'write', OfBlock>
  const { readable, isPublicBlock } = TenantRoots.prototype as unknown as {
    readonly readable: OfReader
    readonly isPublicBlock: OfBlock
  }
  Object.assign(StoredUpload.prototype, {
    write(this: object, ...args: Parameters<OfBlock>) {
      lingers(args[0])
      return write.apply(this, args)
    },
    finish(this: object, ...args: Parameters<OfBlock>) {
      stored.add(args[0].digest.toString())
      return finish.apply(this, args)
    }
  })
  Object.assign(TenantRoots.prototype, {
    readable(this: object, ...args: Parameters<OfReader>) {
      lingers(args[1])
      return readable.apply(this, args)
    },
    isPublicBlock(this: object, ...args: Parameters<OfBlock>) {
      lingers(args[0])
      return isPublicBlock.apply(this, args)
    }
  })
}
