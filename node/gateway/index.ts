export { Bodies, bodiesClock } from './bodies.ts'
export { gateway } from './gateway.ts'
export { httpMultiaddr } from './provider-record.ts'
export type { Self } from './provider-record.ts'
