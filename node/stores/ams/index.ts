export { ArtifactStore } from './artifact-store.ts'
export type { Artifact, NewArtifact } from './artifact-store.ts'
export { EntryStore } from './entry-store.ts'
export type { Entry, EntryPage } from './entry-store.ts'
export { Fill } from './fill.ts'
export { EnvelopeStore } from './envelope-store.ts'
export type { EnvelopeEvent, EnvelopeStoreOptions } from './envelope-store.ts'
export type {
  EnvelopeFilter,
  EnvelopePage,
  KeptEnvelope,
  Leaving,
  NewEnvelope,
  StoredEnvelope,
  Thread
} from './types.ts'
