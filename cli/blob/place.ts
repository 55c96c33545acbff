import type { storageService } from '../../protocols/index.ts'
import { callerOptions, withService } from '../caller-place.ts'
import type { CallerPlace } from '../caller-place.ts'
import type { Argument } from '../command.ts'
import { NODE_ARGUMENT } from '../command.ts'
import type { Invocation } from '../invocation.ts'

export const CID_ARGUMENT: Argument = {
  name: 'CID',
  summary: 'the content id of the blob, such as bafkrei...',
  completes: 'nothing'
}

export const BLOB_ARGUMENTS: readonly Argument[] = [CID_ARGUMENT, NODE_ARGUMENT]

export const CALLER_OPTIONS = callerOptions('blobs')

export { CALLER_DETAILS, CALLER_EXITS as BLOB_EXITS } from '../caller-place.ts'

/** The blobs that a command speaks to. */
export type BlobPlace = CallerPlace<(typeof storageService)['operations']>

/** What `use` yields with the blobs of MULTIADDR, or of `--data`. @throws as `withService` */
export const withBlobs = <T>(invocation: Invocation, use: (place: BlobPlace) => Promise<T>): Promise<T> =>
  withService(
    invocation,
    {
      table: async () => (await import('../../protocols/index.ts')).storageService,
      ofAdmin: admin => admin.storage
    },
    use
  )
