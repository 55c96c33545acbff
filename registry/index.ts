export { ROW_MEMBERS, checkRegistry, rowMessage } from './check.ts'
export type { CheckOptions, Registry, RegistryRange, RegistryRow, VerifyMinisign } from './check.ts'
