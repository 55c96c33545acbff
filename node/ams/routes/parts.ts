import type { OapError } from '../../../protocols/index.ts'
import type { RouteRow } from '../../http/index.ts'
import type { BlockedSenders, EntryStore, EnvelopeStore, Fill } from '../../stores/ams/index.ts'
import type { ArtifactShelf } from '../artifact-shelf.ts'
import type { Bodies } from '../../gateway/index.ts'
import type { Posted } from '../access/spam-sight.ts'
import type { PostingRules } from '../posting.ts'
import type { Retention, RetentionRule } from '../retention.ts'
import type { Noted } from './entries.ts'

/** What a hub says of itself to anybody. */
export interface Health {
  readonly service: string
  /** Where it keeps its rows: on disk, or in memory until it ends. */
  readonly mode: 'level' | 'memory'
  readonly url: string
  readonly write_mode: 'open' | 'token'
  readonly features: Readonly<Record<string, boolean>>
  /** Whether the manifests are signed as they stand. */
  readonly signatures?: 'fresh' | 'stale'
  /** That everybody may write here, and what becomes of it. */
  readonly sandbox?: string
  readonly sandbox_notice?: string
}

export interface PolicyText {
  readonly policy: object
  readonly policy_version: string
  /** 64 hex digits. */
  readonly policy_hash: string
}

export interface AmsStores {
  readonly envelopes: EnvelopeStore
  readonly notary: EntryStore<Noted>
  readonly rooms: EntryStore<Noted>
  readonly artifacts: ArtifactShelf
  readonly blocked: BlockedSenders
  readonly retention: Retention
  /** How much all of it takes. */
  readonly fill: Pick<Fill, 'used' | 'most'>
}

/** What the routes stand on. */
export interface AmsParts {
  /** Asked at each request; undefined while they are not open. */
  readonly stores: () => AmsStores | undefined
  readonly posting: PostingRules
  /** How long things are kept where nobody says otherwise. */
  readonly retention: RetentionRule
  /** Room for the bytes of artifacts on their way to readers. */
  readonly bodies: Bodies
  readonly health: () => Health
  readonly policy: () => PolicyText
  /** Unix ms. */
  readonly nowMs: () => number
  /** 26 characters, never the same twice. */
  readonly newUlid: () => string
  /** Why nothing is read, or written, at this moment, if it is not. */
  readonly refusal: (what: 'read' | 'write') => OapError | undefined
  /** Told of each envelope that was posted, and of each that was refused once it could be read. */
  readonly onPosted?: ((posted: Posted) => void) | undefined
  /** Told of each request that was let in as far as a row; what it gives is told the status, 499 where the caller did not wait. */
  readonly onBegun?: ((row: RouteRow) => (status: number) => void) | undefined
  /** Told the code of each answer that is a problem. */
  readonly onProblem: (code: string) => void
  /** Told of each error that is no caller's, with the id that the caller was given. */
  readonly onError: (error: unknown, requestId: string) => void
}
