import { createHash } from 'node:crypto'
import type { Topic } from '../stores/mailbox/types.ts'
import type { Directed } from './message-meta.ts'
import type { Outgoing } from './sending.ts'

/** A message that is to go to another hub. */
export interface Addressed {
  /** The hub id. */
  readonly hub: string
  readonly directed: Directed
  /** Unix ms: from then on it is not tried any more. */
  readonly expiresAtMs: number
}

/** What the mailbox needs to take messages for other hubs. */
export interface Directing {
  /** To be awaited before `address`. */
  prepare(): Promise<void>
  /**
   * What is kept of a message until the other hub has it. `atMs` is when it may go.
   * @throws OapError `not_shared`, `not_ready`
   */
  address(one: Outgoing, times: { readonly nowMs: number; readonly atMs: number }): Addressed
  /** Messages of a tenant wait for a hub. */
  queued(tenant: string, hub: string): void
  /** The most that waits for one hub, of one tenant. */
  readonly messages: number
  readonly bytes: number
}

/** In front of every topic that a caller can name, and none itself. */
const MARK = '!'

/** Where messages of a tenant wait for a hub. */
export const outboxOf = (tenant: string, hub: string): Topic => ({ tenant, topic: MARK + hub })

export const isOutbox = (topic: string): boolean => topic.startsWith(MARK)

export const hubOfOutbox = (topic: string): string => topic.slice(MARK.length)

/** One key names one message of a topic and share, although all of a hub wait in one place. */
export const outboxKey = ({ share, topic }: Pick<Directed, 'share' | 'topic'>, key: string): string =>
  createHash('sha256').update(`${share}\n${topic}\n${key}`).digest('hex')
