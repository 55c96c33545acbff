export { EnvelopeStore } from './envelope-store.ts'
export type { EnvelopeEvent } from './envelope-store.ts'
export type { EnvelopeFilter, EnvelopePage, NewEnvelope, StoredEnvelope, Thread } from './types.ts'
