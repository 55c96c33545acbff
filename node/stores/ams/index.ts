export { BlockedSenders, MOST_BLOCKED } from './blocked-senders.ts'
export type { BlockedSender, BlockEvent } from './blocked-senders.ts'
export { ArtifactStore } from './artifact-store.ts'
export type { Artifact, NewArtifact } from './artifact-store.ts'
export { EntryStore } from './entry-store.ts'
export type { Entry, EntryPage } from './entry-store.ts'
export { Fill } from './fill.ts'
export { EnvelopeStore } from './envelope-store.ts'
export type { EnvelopeEvent, EnvelopeStoreOptions, GoingOut } from './envelope-store.ts'
export type {
  EnvelopeFilter,
  EnvelopePage,
  Gone,
  KeptEnvelope,
  Leaving,
  NewEnvelope,
  Removing,
  StoredEnvelope,
  Thread
} from './types.ts'
export { RETAINED, RetentionRuns } from './retention-runs.ts'
export type { Retained, RetentionRun } from './retention-runs.ts'
export type { Cut, Removed, RemovedBatch, Shelved } from './retained.ts'
