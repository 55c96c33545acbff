export { examine } from './examine.ts'
export type { Patient } from './examine.ts'
export type { Finding, Standing } from './judge.ts'
