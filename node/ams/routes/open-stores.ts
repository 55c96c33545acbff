import { ArtifactStore, EntryStore, EnvelopeStore, Fill } from '../../stores/ams/index.ts'
import type { EnvelopeStoreOptions } from '../../stores/ams/index.ts'
import type { Level } from '../../stores/level.ts'
import { ArtifactShelf } from '../artifact-shelf.ts'
import type { ArtifactBlobs } from '../artifact-shelf.ts'
import { artifactTold, envelopeTold, notaryTold, roomTold } from '../told.ts'
import type { AmsTold } from '../told.ts'
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
  /** Told the key of each row that is not whole. */
  readonly onCorrupt: (key: string) => void
  /** Told why bytes that no artifact has any more could not be let go of. */
  readonly onError: (error: unknown) => void
}

/** Opens what the AMS surface keeps, and tells the audit log what it was not told before a crash. */
export async function openAmsStores(
  level: Level,
  { tell, blobs, mostBytes, goesOut, onLeaving, onCorrupt, onError }: OpenStoresOptions
): Promise<AmsStores> {
  const all = { fill: new Fill(mostBytes), onCorrupt }
  const artifacts = await ArtifactStore.open(level, { tell: one => tell(artifactTold(one)), ...all })
  return {
    envelopes: await EnvelopeStore.open(level, {
      tell: event => tell(envelopeTold(event)),
      goesOut,
      onLeaving,
      ...all
    }),
    notary: await EntryStore.open(level, { name: 'notary', tell: one => tell(notaryTold(one)), ...all }),
    rooms: await EntryStore.open(level, { name: 'room', tell: one => tell(roomTold(one)), ...all }),
    artifacts: new ArtifactShelf(artifacts, blobs, { onError })
  }
}
