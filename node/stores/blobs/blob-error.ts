export type BlobErrorCode =
  /** The bytes of a block do not have its digest; nothing of it was kept. */
  | 'bad_digest'
  /** A block that a root needs is missing, is no node that can be read, or the DAG is too deep. */
  | 'bad_dag'
  /** The block is longer than `MAX_BLOCK_BYTES`. */
  | 'block_oversize'
  /** The upload would take the tenant beyond its bytes; nothing of it was kept. */
  | 'tenant_full'
  /** No room on the disk; nothing of what the call brought was kept. */
  | 'disk_full'
  /** The block is there, and its bytes on the disk are not those that were stored. */
  | 'rotten'
  /** The upload, the lease or the store was closed before. */
  | 'closed'
  /** An earlier write failed: nobody knows what reached the disk. Close the store and open it again. */
  | 'failed'

/** Why the store did not do what it was asked for. */
export class BlobError extends Error {
  override readonly name: string = 'BlobError'
  readonly code: BlobErrorCode

  constructor(code: BlobErrorCode, message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options)
    this.code = code
  }
}
