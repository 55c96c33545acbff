export { BlobError } from './blob-error.ts'
export type { BlobErrorCode } from './blob-error.ts'
export { BLOB_CLASSES, MAX_BLOCK_BYTES } from './types.ts'
export type * from './types.ts'
