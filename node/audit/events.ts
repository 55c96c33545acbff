import {
  DECISION_RECORD,
  DIRECTED_REFUSALS,
  RECEIPT_REFUSALS,
  EQUIVOCATION_KINDS,
  EVIDENCE,
  EXCHANGE_REFUSALS,
  ITEM_KINDS,
  NEWS_REFUSALS,
  REFUSAL_CODES,
  ROLES,
  SHARE_REFUSALS,
  SNAPSHOT_REFUSALS
} from '../../federation/index.ts'
import { STATUSES } from '../ams/status.ts'
import { configLeaves } from '../config/schema.ts'
import { type AuditEvent, type CallIds, eventOf } from './audit-event.ts'
import {
  type CommitmentValues,
  type Commitments,
  capId,
  digest,
  flag,
  hubOf,
  inForm,
  keyNumber,
  logOrigin,
  natural,
  oneOf,
  optional,
  readCommitments,
  someOf,
  uuid,
  versionNumber
} from './commitments.ts'
import type { EntryData } from './entry.ts'

const CONFIG_KEYS = configLeaves.map(({ path }) => path)

interface EventRow<F extends Commitments> {
  readonly data: F
  /** What the entry is about. */
  readonly subject: (data: CommitmentValues<F>) => string
  readonly decision?: 'allow' | 'deny'
}

const row = <F extends Commitments>(
  data: F,
  subject: EventRow<F>['subject'],
  decision?: 'allow' | 'deny'
): EventRow<F> => ({ data, subject, ...(decision && { decision }) })

const node = () => 'node'
const log = () => 'log'
const cap = ({ cap_id }: { readonly cap_id: string }) => `cap:${cap_id}`

interface Revoked {
  readonly cap_id?: string | undefined
  readonly kid?: number | undefined
  readonly subject_sha256?: string | undefined
}

function revoked({ cap_id, kid, subject_sha256 }: Revoked): string {
  const targets = [cap_id, kid, subject_sha256].filter(target => target !== undefined)
  if (targets.length !== 1) throw new TypeError('audit: one of cap_id, kid and subject_sha256 is revoked')
  if (cap_id !== undefined) return `cap:${cap_id}`
  return kid === undefined ? 'subject' : `kid:${kid}`
}

const hub = ({ hub: id }: { readonly hub?: string | undefined }) => (id === undefined ? 'peer' : `hub:${id}`)

/** What the other side may have told; another word of its own becomes `other`. */
export const TOLD = [...REFUSAL_CODES, 'saturated', 'quota_peer', 'draining', 'not_ready', 'other'] as const
/** Why a hub that was asked to prove itself did not, beside the refusals of handshakes. @see specs/ams.md, section 17 */
export const CHECK_PROBLEMS = ['no_address', 'unreachable', 'turned_away', 'skewed'] as const
/** Why a link ended, or a connection was not made one. @see specs/federation-handshake.md, section 9 */
export const LINK_ENDS = [
  'connection_lost',
  'silent',
  'replaced',
  'already_linked',
  'second_node',
  'removed',
  'treaty_expired',
  'delegation_expired',
  'revoked',
  'left',
  'stopping'
] as const

/** A change of an envelope: which record of it, what it stands at since, and commitments to its names. */
const envelope = row(
  {
    sha256: digest,
    id_sha256: digest,
    n: natural,
    status: oneOf(STATUSES),
    type_sha256: digest,
    thread_sha256: optional(digest),
    from_sha256: optional(digest),
    to_sha256: optional(digest)
  },
  ({ sha256 }) => `envelope:${sha256}`,
  'allow'
)

/** Types of entries: the members of their data, and what they are about. @see specs/audit.md, Types */
const EVENTS = {
  start: row({ version: versionNumber, boot: natural, config_sha256: digest }, node),
  stop: row({ cause: oneOf(['operator', 'signal', 'failure']), uptime_ms: natural }, node),
  config_change: row(
    { keys: someOf(CONFIG_KEYS), before_sha256: digest, after_sha256: digest },
    () => 'config',
    'allow'
  ),
  harden: row(
    { keys: someOf(CONFIG_KEYS), before_sha256: digest, after_sha256: digest },
    () => 'config',
    'allow'
  ),
  mint: row(
    {
      cap_id: capId,
      kid: keyNumber,
      tenant: optional(uuid),
      expires_s: natural,
      bearer: flag,
      caveats: natural,
      caveats_sha256: digest
    },
    cap,
    'allow'
  ),
  renew: row({ cap_id: capId, kid: keyNumber, expires_s: natural }, cap, 'allow'),
  rotate: row(
    { kid: keyNumber, previous: optional(keyNumber), grace_s: natural, break_glass: flag },
    ({ kid }) => `kid:${kid}`,
    'allow'
  ),
  delegation: row(
    { role: oneOf(ROLES), epoch: natural, key_sha256: digest, node_sha256: digest, not_after_s: natural },
    ({ role }) => `delegation:${role}`,
    'allow'
  ),
  succession: row(
    {
      hub: hubOf,
      successor: hubOf,
      origin: optional(logOrigin),
      size: optional(natural),
      root: optional(digest)
    },
    ({ successor }) => `hub:${successor}`,
    'allow'
  ),
  key_revocation: row({ key_sha256: digest, reason_sha256: digest }, () => 'key', 'allow'),
  revocation_key: row({ epoch: natural, key_sha256: digest }, () => 'revocation-key', 'allow'),
  revoke: row(
    {
      cap_id: optional(capId),
      kid: optional(keyNumber),
      subject_sha256: optional(digest),
      reason_sha256: optional(digest),
      revocation_seq: natural
    },
    revoked,
    'allow'
  ),
  tenant: row(
    { tenant: uuid, change: oneOf(['add', 'limit', 'remove', 'purge']), limits_sha256: optional(digest) },
    ({ tenant }) => `tenant:${tenant}`,
    'allow'
  ),
  peer: row(
    {
      hub: hubOf,
      change: oneOf(['add', 'edit', 'remove', 'succeed', 'release']),
      treaty_sha256: digest,
      successor: optional(hubOf)
    },
    hub,
    'allow'
  ),
  peer_key: row({ hub: hubOf, change: oneOf(['revoked', 'succession', 'quarantine']), sha256: digest }, hub),
  handshake: row(
    {
      outcome: oneOf(['linked', 'paired']),
      role: oneOf(['initiator', 'responder']),
      hub: hubOf,
      transcript: digest,
      skew_s: natural,
      ahead: flag
    },
    hub,
    'allow'
  ),
  handshake_refused: row(
    {
      code: oneOf([...REFUSAL_CODES, 'turned_away']),
      role: oneOf(['initiator', 'responder']),
      hub: optional(hubOf),
      transcript: optional(digest),
      skew_s: optional(natural),
      ahead: optional(flag),
      told: optional(oneOf(TOLD))
    },
    hub,
    'deny'
  ),
  link: row(
    {
      hub: hubOf,
      change: oneOf(['up', 'down']),
      transcript: optional(digest),
      reason: optional(oneOf(LINK_ENDS))
    },
    hub
  ),
  invite: row(
    {
      invite_sha256: digest,
      change: oneOf(['open', 'paired', 'failed', 'void', 'expired', 'confirmed', 'declined']),
      hub: optional(hubOf),
      expires_s: optional(natural)
    },
    () => 'invite',
    'allow'
  ),
  exchange: row(
    {
      hub: hubOf,
      role: oneOf(['origin', 'audience']),
      origin_cap_id: capId,
      cap_id: capId,
      expires_s: natural
    },
    cap,
    'allow'
  ),
  exchange_refused: row(
    {
      hub: hubOf,
      role: oneOf(['origin', 'audience']),
      code: oneOf([...EXCHANGE_REFUSALS, 'peer', 'origin', 'content', 'turned_away']),
      origin_cap_id: optional(capId),
      told: optional(oneOf([...EXCHANGE_REFUSALS, 'other']))
    },
    hub,
    'deny'
  ),
  revocations_refused: row({ hub: hubOf, code: oneOf(NEWS_REFUSALS) }, hub, 'deny'),
  snapshot: row({ seq: natural, sha256: digest }, ({ seq }) => `snapshot:${seq}`, 'allow'),
  peer_snapshot: row(
    {
      hub: hubOf,
      seq: natural,
      sha256: digest,
      verdict: oneOf(['first', 'next', 'gap', 'restored'])
    },
    hub,
    'allow'
  ),
  accused: row({ hub: hubOf, kind: oneOf(EQUIVOCATION_KINDS), proof: digest }, hub, 'deny'),
  peer_forget: row({ hub: hubOf, what: oneOf(['snapshots', 'logs']), count: natural }, hub, 'allow'),
  snapshot_refused: row(
    { hub: hubOf, code: oneOf(SNAPSHOT_REFUSALS), seq: optional(natural), sha256: optional(digest) },
    hub,
    'deny'
  ),
  directed_refused: row(
    { hub: hubOf, code: oneOf(Object.keys(DIRECTED_REFUSALS)), id_sha256: optional(digest) },
    hub,
    'deny'
  ),
  receipt_refused: row({ hub: hubOf, code: oneOf(RECEIPT_REFUSALS), id_sha256: digest }, hub, 'deny'),
  share_refused: row({ hub: hubOf, code: oneOf(SHARE_REFUSALS) }, hub, 'deny'),
  relay: row({ hub: hubOf, app: natural, bytes: natural }, hub, 'allow'),
  policy: row(
    {
      change: oneOf(['load', 'refuse']),
      version: optional(natural),
      policy_hash: optional(digest),
      file_sha256: optional(digest)
    },
    () => 'policy',
    'allow'
  ),
  acceptance: row(
    {
      evidence: inForm(EVIDENCE, 'evidence'),
      record: inForm(DECISION_RECORD, 'a record')
    },
    ({ evidence: { id } }) => `item:${id}`
  ),
  accepted: row(
    {
      kind: oneOf(ITEM_KINDS),
      policy_version: natural,
      policy_hash: digest,
      count: natural,
      from_ms: natural,
      until_ms: natural
    },
    () => 'items',
    'allow'
  ),
  quarantine: row(
    {
      id: digest,
      origin: optional(hubOf),
      change: oneOf(['release', 'reject', 'expire', 'damaged']),
      released: optional(flag)
    },
    ({ id }) => `item:${id}`
  ),
  token: row(
    {
      change: oneOf(['add', 'remove', 'change']),
      name_sha256: digest,
      role: oneOf(['read', 'write', 'admin'])
    },
    () => 'tokens'
  ),
  proof_secret: row(
    { change: oneOf(['add', 'remove', 'change']), name_sha256: digest },
    () => 'proof-secrets'
  ),
  torn_tail: row({ bytes: natural, sha256: digest }, log),
  seal: row({ first: natural, entries: natural, sha256: digest }, log),
  prune: row({ before: natural, entries: natural, bytes: natural }, log, 'allow'),
  scrub: row({ blocks: natural, bytes: natural, rotten: natural, repaired: natural }, () => 'blobs'),
  'federation.handshake': row(
    {
      hub: optional(hubOf),
      target_sha256: digest,
      linked: flag,
      signature: flag,
      allowlisted: flag,
      freshness: flag,
      error: optional(oneOf([...REFUSAL_CODES, ...CHECK_PROBLEMS]))
    },
    hub
  ),
  'ams.envelope.created': envelope,
  'ams.envelope.updated': envelope,
  'ams.envelope.redacted': envelope,
  'ams.removed': row(
    { what: oneOf(['artifact', 'message', 'record']), id_sha256: digest, reason_sha256: optional(digest) },
    ({ id_sha256 }) => `removed:${id_sha256}`
  ),
  'ams.retention': row(
    {
      at_ms: natural,
      days: optional(natural),
      count: optional(natural),
      envelopes: natural,
      messages: natural,
      records: natural,
      artifacts: natural,
      bytes: natural
    },
    () => 'ams'
  ),
  'ams.sender': row(
    { change: oneOf(['block', 'unblock']), from_sha256: digest, reason_sha256: optional(digest) },
    ({ from_sha256 }) => `sender:${from_sha256}`
  ),
  'artifact.upserted': row(
    { key_sha256: digest, sha256: digest, bytes: natural, content_type_sha256: digest },
    ({ sha256 }) => `artifact:${sha256}`,
    'allow'
  ),
  'room.message': row(
    {
      id_sha256: digest,
      room_sha256: digest,
      kind_sha256: optional(digest),
      from_sha256: optional(digest)
    },
    ({ id_sha256 }) => `message:${id_sha256}`,
    'allow'
  ),
  'notary.record': row(
    { id_sha256: digest, sha256: digest, kind_sha256: optional(digest), subject_sha256: optional(digest) },
    ({ sha256 }) => `notary:${sha256}`,
    'allow'
  ),
  backup: row({ size: natural, root: digest }, log, 'allow'),
  restore: row({ origin: logOrigin, size: natural, root: digest }, log)
} as const

export type EventType = keyof typeof EVENTS
export type EventData<T extends EventType> = CommitmentValues<(typeof EVENTS)[T]['data']>

/** The types that `event` builds; `AuditNames` builds `refusal`, `summary` and `crash`. */
export const EVENT_TYPES = Object.keys(EVENTS) as readonly EventType[]

/**
 * An entry of one of the types above.
 * @throws TypeError for an actor or member of the wrong kind; the message names the member, never what it held.
 */
export function auditEvent<T extends EventType>(
  type: T,
  actor: string,
  data: EventData<T>,
  ids: CallIds = {}
): AuditEvent {
  const { data: kinds, subject, decision } = EVENTS[type] as unknown as EventRow<Commitments>
  const read = readCommitments(kinds, data)
  return eventOf(
    { type, actor, subject: subject(read), ...(decision && { decision }), data: read as EntryData },
    ids
  )
}
