import {
  ArtifactStore,
  BlockedSenders,
  EntryStore,
  EnvelopeStore,
  Fill,
  RetentionRuns
} from '../../stores/ams/index.ts'
import type { EnvelopeStoreOptions, Retained } from '../../stores/ams/index.ts'
import type { Level } from '../../stores/level.ts'
import { ArtifactShelf } from '../artifact-shelf.ts'
import type { ArtifactBlobs } from '../artifact-shelf.ts'
import { Retention } from '../retention.ts'
import {
  artifactTold,
  envelopeTold,
  goneTold,
  notaryTold,
  retentionTold,
  roomTold,
  senderTold
} from '../told.ts'
import type { AmsTold } from '../told.ts'
import type { Noted } from './entries.ts'
import type { AmsStores } from './parts.ts'

export interface OpenStoresOptions {
  /** Resolves once the audit log has it durably. */
  readonly tell: (told: AmsTold) => Promise<void>
  readonly blobs: ArtifactBlobs
  /** What all of it may take together; no bound if missing. */
  readonly mostBytes?: number | undefined
  /** Whether an envelope goes to other hubs once it is accepted, and told when some are to. */
  readonly goesOut?: EnvelopeStoreOptions['goesOut']
  readonly onLeaving?: EnvelopeStoreOptions['onLeaving']
  /** Has other hubs given no more of what is redacted. */
  readonly withdraw?: EnvelopeStoreOptions['withdraw']
  /** Unix ms; `Date.now` if missing. */
  readonly now?: (() => number) | undefined
  /** Ends a run of retention between two batches. */
  readonly signal?: AbortSignal | undefined
  /** Told of each batch that retention has removed. */
  readonly onRemoved?: ((kind: Retained, items: number) => void) | undefined
  /** Told the key of each row that is not whole. */
  readonly onCorrupt: (key: string) => void
  /** Told why bytes that no artifact has any more could not be let go of. */
  readonly onError: (error: unknown) => void
}

/** Opens what the AMS surface keeps, and tells the audit log what it was not told before a crash. */
export async function openAmsStores(
  level: Level,
  {
    tell,
    blobs,
    mostBytes,
    goesOut,
    onLeaving,
    withdraw,
    now = Date.now,
    signal,
    onRemoved,
    onCorrupt,
    onError
  }: OpenStoresOptions
): Promise<AmsStores> {
  const fill = new Fill(mostBytes)
  const all = { fill, onCorrupt }
  const said = { ...all, timeOf: ({ at }: Noted) => at }
  const kept = await ArtifactStore.open(level, {
    tell: (one, trace) => tell(artifactTold(one, trace)),
    tellGone: gone => tell(goneTold('artifact', gone)),
    ...all
  })
  const artifacts = new ArtifactShelf(kept, blobs, { onError })
  const envelopes = await EnvelopeStore.open(level, {
    tell: event => tell(envelopeTold(event)),
    goesOut,
    onLeaving,
    withdraw,
    ...all
  })
  const notary = await EntryStore.open<Noted>(level, {
    name: 'notary',
    tell: (one, trace) => tell(notaryTold(one, trace)),
    tellGone: gone => tell(goneTold('record', gone)),
    ...said
  })
  const rooms = await EntryStore.open<Noted>(level, {
    name: 'room',
    tell: (one, trace) => tell(roomTold(one, trace)),
    tellGone: gone => tell(goneTold('message', gone)),
    ...said
  })
  const blocked = await BlockedSenders.open(level, { tell: event => tell(senderTold(event)), onCorrupt })
  const retention = new Retention({
    shelves: { envelopes, messages: rooms, records: notary, artifacts },
    runs: new RetentionRuns(level, { onCorrupt }),
    tell: run => tell(retentionTold(run)),
    now,
    signal,
    onRemoved
  })
  return { envelopes, notary, rooms, artifacts, blocked, retention, fill }
}
