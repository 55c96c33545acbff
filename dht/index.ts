export { FileDag } from './import/file-dag.ts'
export type { Block, Ending, Root } from './import/file-dag.ts'
export { importBlob } from './import/import-blob.ts'
export type { BlockSink, ImportOptions } from './import/import-blob.ts'
