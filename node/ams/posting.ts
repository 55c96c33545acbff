import type { EnvelopeStore, NewEnvelope, StoredEnvelope } from '../stores/ams/index.ts'
import { refuseBlocked } from './blocked.ts'
import type { IsBlocked } from './blocked.ts'
import { digestOf, isRepostOf } from './envelope.ts'
import type { EnvelopeProof, Immutable, Validation } from './envelope.ts'
import { verifyProofs } from './proofs.ts'
import type { Secrets } from './proofs.ts'
import { MAX_PROOFS, readEnvelope, strictProblem } from './read-envelope.ts'
import type { Posted } from './read-envelope.ts'
import { EnvelopeRefusal, idTaken } from './refusal.ts'
import type { Status } from './status.ts'

/** What the acceptance policy says of an envelope. */
export interface Verdict {
  readonly status: Exclude<Status, 'archived'>
  /** Short texts; the first 16 are kept, each 256 characters at most. */
  readonly reasons: readonly string[]
  /** By which policy, and with what score; none where none was asked. */
  readonly by?: {
    readonly score: number
    readonly policy_version: number
    /** 64 hex digits. */
    readonly policy_hash: string
  }
}

export interface JudgedEnvelope {
  readonly immutable: Immutable
  readonly sha256: string
  readonly proofs: readonly EnvelopeProof[]
  /** Who posts it. */
  readonly by: string
  /** The W3C traceparent of the request. */
  readonly trace?: string | undefined
}

/** What `strict` would refuse of an envelope that `lenient` takes, and of which request it is. */
export interface Loose extends Pick<Posting, 'requestId' | 'origin' | 'trace'> {
  /** Of the envelope. */
  readonly id: string
  readonly problem: string
}

/** How envelopes are taken in. */
export interface PostingRules {
  readonly validation: Validation
  /** Whether an envelope without a proof is refused. */
  readonly isProofDemanded: boolean
  readonly secrets: Secrets
  /** The proof of this hub, where it adds one. @throws OapError `not_ready` while it has no key */
  readonly prove?: ((immutable: Immutable) => Promise<EnvelopeProof>) | undefined
  /** Whose envelopes are refused; nobody's if missing. */
  readonly isBlocked?: IsBlocked | undefined
  /** The acceptance policy. */
  readonly judge: (envelope: JudgedEnvelope) => Verdict | Promise<Verdict>
  /** Whether nothing is accepted but by moderators, and nothing left queued. */
  readonly isModerated?: () => boolean
  /** Told what `strict` would refuse of an envelope that `lenient` takes. */
  readonly onLoose: (loose: Loose) => void
}

export interface Posting {
  readonly by: string
  readonly nowMs: number
  /** For an envelope without one; asked for once. */
  readonly newId: () => string
  /** Whether it waits for somebody's decision and the policy is not asked; where all is moderated it is judged. */
  readonly isLeftQueued?: boolean
  /** The hub that it came from; undefined for one that is posted here. */
  readonly origin?: string | undefined
  /** The W3C traceparent of the request. */
  readonly trace?: string | undefined
  /** As its answer says it; undefined for what came from another hub. */
  readonly requestId?: string | undefined
}

export interface Kept {
  readonly isNew: boolean
  readonly stored: StoredEnvelope
}

const MAX_REASONS = 16
const MAX_REASON_CHARS = 256
/** Who decides by the policy, in records. */
const HUB = 'hub'

/**
 * Judges an envelope as it was posted; what this yields keeps it, durably and told to the audit log, or finds it kept.
 * @throws EnvelopeRefusal for whatever the rules refuse, `conflict` where the id is that of another envelope; as `rules.prove`.
 */
export async function prepared(
  value: Parameters<typeof readEnvelope>[0],
  envelopes: Pick<EnvelopeStore, 'create' | 'get' | 'told'>,
  rules: PostingRules,
  posting: Posting
): Promise<() => Promise<Kept>> {
  const mostProofs = MAX_PROOFS + (posting.origin === undefined ? 0 : 1)
  const posted = readEnvelope(value, rules.validation, { mostProofs })
  refuseDecided(posted)
  if (rules.isProofDemanded && posted.proofs.length === 0)
    throw new EnvelopeRefusal('no_proof', 'proofs: this hub takes no envelope without a proof')
  const at = new Date(posting.nowMs).toISOString()
  const { id = posting.newId(), created_at = at } = posted.immutable
  const immutable = { ...posted.immutable, id, created_at }
  verifyProofs(immutable, posted.proofs, rules.secrets)
  noteLoose(value, rules, id, posting)
  const known = posted.immutable.id === undefined ? undefined : await envelopes.get(id)
  // Nobody has a repost judged, or proved, anew.
  if (known !== undefined) {
    if (!isRepostOf(posted.immutable, known)) throw idTaken(id)
    return async () => {
      await envelopes.told(known.place)
      return { isNew: false, stored: known }
    }
  }
  refuseBlocked(immutable.from, rules.isBlocked)
  const { by, trace } = posting
  const proofs =
    rules.prove === undefined ? posted.proofs : [...posted.proofs, ofHub(await rules.prove(immutable))]
  const sha256 = digestOf(immutable)
  const judged = { immutable, sha256, proofs: posted.proofs, by, trace }
  const isLeft = posting.isLeftQueued === true && rules.isModerated?.() !== true
  const verdict = isLeft ? undefined : await rules.judge(judged)
  const envelope: NewEnvelope = {
    immutable,
    sha256,
    proofs,
    status: 'queued',
    meta: posted.meta,
    at,
    by,
    origin: posting.origin,
    trace,
    decision: verdict && { status: verdict.status, meta: decidedMeta(posted.meta, verdict), at, by: HUB }
  }
  return () => envelopes.create(envelope, posted.immutable)
}

function noteLoose(
  value: Parameters<typeof readEnvelope>[0],
  { validation, onLoose }: PostingRules,
  id: string,
  { requestId, origin, trace }: Posting
): void {
  if (validation !== 'lenient') return
  const problem = strictProblem(value)
  if (problem !== undefined) onLoose({ id, problem, requestId, origin, trace })
}

/** Who posts an envelope queues it and decides nothing. */
function refuseDecided({ status = 'queued' }: Posted): void {
  if (status !== 'queued')
    throw new EnvelopeRefusal('bad_transition', `status: an envelope begins as queued, not as ${status}`)
}

const ofHub = (proof: EnvelopeProof): EnvelopeProof => ({ ...proof, server: true })

/** Why it was decided so stands beside what the client has noted. */
export const decidedMeta = (
  meta: Posted['meta'],
  { reasons, by }: Pick<Verdict, 'reasons' | 'by'>
): Posted['meta'] =>
  reasons.length === 0 && by === undefined
    ? meta
    : {
        ...meta,
        policy: { ...by, reasons: reasons.slice(0, MAX_REASONS).map(r => r.slice(0, MAX_REASON_CHARS)) }
      }
