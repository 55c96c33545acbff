import { OapError } from '../../protocols/index.ts'
import { BlobError } from '../stores/blobs/index.ts'
import type { BlobErrorCode } from '../stores/blobs/index.ts'

/** How long a tenant that has no room left is told to wait. */
const FULL_MS = 5000

const FAULTS: Readonly<Record<BlobErrorCode, (error: BlobError) => OapError>> = {
  tenant_full: () =>
    new OapError('quota_tenant', 'the tenant may not store so much', {
      code: 'storage_full',
      retryAfterMs: FULL_MS
    }),
  disk_full: cause => new OapError('disk_full', undefined, { cause }),
  closed: cause => new OapError('not_ready', 'the blobs are not open', { cause }),
  failed: cause => new OapError('not_ready', 'the blobs are not open', { cause }),
  // Blocks that came in were cut and hashed here, so what is wrong with them is ours, and so is what has rotted.
  bad_digest: cause => new OapError('internal', undefined, { cause }),
  bad_dag: cause => new OapError('internal', undefined, { cause }),
  block_oversize: cause => new OapError('internal', undefined, { cause }),
  rotten: cause => new OapError('internal', undefined, { cause })
}

/** What a peer is told of an error of the store; any other error as it is. */
export const storageFault = (error: unknown): unknown =>
  error instanceof BlobError ? FAULTS[error.code](error) : error
