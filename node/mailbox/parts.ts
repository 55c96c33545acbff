import { MAILBOX_LIMITS } from '../../protocols/index.ts'
import type { Beside, MailboxStore, StoredMessage } from '../stores/mailbox/types.ts'
import { timeOf } from '../stores/mailbox/ulid.ts'
import type { Directing } from './directing.ts'
import type { Leases } from './leases.ts'
import type { Queues } from './queues.ts'
import type { Outgoing } from './sending.ts'
import type { Statements } from './statements.ts'
import type { TopicRules } from './topic-rules.ts'

/** What has happened, for the metrics. */
export interface MailboxCounts {
  redelivered: number
  dead: number
  expired: number
  receiptsDropped: number
}

/** What goes to other hubs with a message. */
export interface SharedMessageRows {
  readonly beside: Beside
  /** Called once the message is durable; not for one that its key found again. */
  readonly stored: () => void
}

type Shared = SharedMessageRows | undefined

/** What a message goes to other hubs as, if it does. @throws OapError why it cannot be sent at all */
export type SharedSending = (outgoing: Outgoing) => Shared | Promise<Shared>

/** What the parts of the mailbox share. */
export interface MailboxParts {
  readonly store: MailboxStore
  readonly leases: Leases
  readonly queues: Queues
  readonly rules: TopicRules
  readonly statements: Statements
  readonly counts: MailboxCounts
  readonly tenantBytes: number
  readonly shared: SharedSending
  /** True for a tenant of which nothing is to be kept. */
  readonly isPurged: (tenant: string) => boolean
  /** Unix ms. Whoever runs the machine may set it. */
  readonly now: () => number
  /** Ms since some time: for what lasts, since nobody can set it. */
  readonly steady: () => number
  /** 0 to below 1. */
  readonly random: () => number
  /** Runs `run` after so many ms; what it yields is given to `clearTimer`. */
  readonly setTimer: (run: () => void, ms: number) => unknown
  readonly clearTimer: (timer: unknown) => void
  /** Undefined where nothing goes to other hubs. */
  readonly directing?: Directing | undefined
  /** Something was stored that will be due at this time. */
  readonly dueAt: (ms: number) => void
}

/** Changes of one commit; the store takes 1024. */
export const COMMIT_CHANGES = MAILBOX_LIMITS.batchMessages

/** When a message expires: as it says, or by the retention of its topic. */
export const expiryOf = (
  { expiresAtMs, id, topic }: Pick<StoredMessage, 'expiresAtMs' | 'id' | 'topic'>,
  rules: TopicRules
): number => expiresAtMs ?? timeOf(id) + rules.of(topic).retentionMs
