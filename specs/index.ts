export { parseReasons } from './reasons-table.ts'
export type { ReasonRow } from './reasons-table.ts'
export { vectorBytes, vectorFrame, vectorSend } from './vector-bytes.ts'
export type { Bytes, VectorFrame } from './vector-bytes.ts'
