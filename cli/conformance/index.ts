export { conformanceCases, runConformance } from './run.ts'
export type { ConformanceOptions, ConformanceResult } from './run.ts'
export { conformanceTable, tally } from './table.ts'
export type { ConformanceTally } from './table.ts'
