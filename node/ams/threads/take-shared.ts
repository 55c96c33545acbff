import type { EnvelopeStore } from '../../stores/ams/index.ts'
import { prepared } from '../posting.ts'
import type { Kept, PostingRules, Verdict } from '../posting.ts'
import { EnvelopeRefusal, idTaken } from '../refusal.ts'
import { readShared } from './shared-envelope.ts'

/** A message of another hub on a thread's topic, judged and verified. */
export interface ThreadMessage {
  /** Its origin. */
  readonly hub: string
  readonly share: string
  readonly number: number
  readonly topic: string
  readonly body: Uint8Array
  /** Whether its body is packed, or sealed by the application. */
  readonly isClosed: boolean
  /** The W3C traceparent that it came with. */
  readonly trace: string | undefined
}

export interface TakingRules extends Omit<PostingRules, 'judge' | 'secrets'> {
  /** What becomes of an envelope that the policy has accepted. */
  readonly accepted: () => Verdict
}

/** Why an envelope of another hub is not kept, as shares name it. */
export type ThreadRefusal = 'envelope' | 'envelope_conflict'

export const refusalName = ({ code }: EnvelopeRefusal): ThreadRefusal =>
  code === 'conflict' ? 'envelope_conflict' : 'envelope'

const NO_SECRETS: PostingRules['secrets'] = new Map()

/**
 * Keeps the envelope of another hub, durably and told to the audit log, or finds it kept: as what is posted, but that it goes
 * to no other hub.
 * @throws EnvelopeRefusal for what is no envelope, changed, or refused here; `conflict` where its id is that of another
 */
export async function takeShared(
  { hub, topic, body, isClosed, trace }: ThreadMessage,
  envelopes: Pick<EnvelopeStore, 'create' | 'get' | 'told'>,
  { accepted, ...rules }: TakingRules,
  nowMs: number
): Promise<Kept> {
  if (isClosed) throw new EnvelopeRefusal('bad_form', 'body: packed or sealed, so nobody here can read it')
  const { sha256, value } = readShared(topic, body)
  const posting = { by: `hub:${hub}`, nowMs, newId: () => value.id, origin: hub, trace }
  const judging = { ...rules, secrets: NO_SECRETS, judge: accepted }
  const kept = await (await prepared(value, envelopes, judging, posting))()
  // A member that is missing here may be one that is there.
  if (kept.stored.sha256 !== sha256) throw idTaken(value.id)
  return kept
}
