/**
 * What delivery needs of a store of messages. Every implementation runs the suite in `store.suite.ts`.
 *
 * A message is in one of three states: `ready` (in the ready order of its topic), `delayed` (not before its time) or
 * `dead` (among the dead letters). Leases are not the store's: they live in memory, with delivery.
 */
export type State = 'ready' | 'delayed' | 'dead'

export const STATES = ['ready', 'delayed', 'dead'] as const satisfies readonly State[]

/** 1 to 255 printable characters of ASCII each; the tenant is the first part of every key. */
export interface Topic {
  readonly tenant: string
  readonly topic: string
}

/** Where a message stands in its topic: priority 9 goes before 0, then the lower id. */
export interface Place extends Topic {
  /** 0 to 9. */
  readonly priority: number
  /** ULID, 26 characters; ascending per store, also over restarts and clocks set back. */
  readonly id: string
}

export interface NewMessage extends Topic {
  readonly priority: number
  /** Bytes that delivery alone understands (attributes, sender, who wants a receipt); up to 64 KiB. */
  readonly meta: Uint8Array
  /** Up to 983,040 bytes. */
  readonly body: Uint8Array
  /** Unix ms; a time to come makes the message `delayed`. */
  readonly notBeforeMs?: number | undefined
  /** Unix ms; `due` names the message from then on. Nothing removes it by itself. */
  readonly expiresAtMs?: number | undefined
  /** Within the window the same key with the same hash yields the first id; with another hash, a conflict. */
  readonly idem?: IdemKey | undefined
  /** True where it is likely to be taken away soon: what that needs is kept at hand. Changes nothing else. */
  readonly goesSoon?: boolean | undefined
  /** Within which it must fit when its turn has come; a message that its key finds again needs no room. */
  readonly bounds?: Bounds | undefined
  /** What becomes durable with it, and only then; nothing for a message that its key finds again. */
  readonly beside?: Beside | undefined
}

/** Rows outside the mailbox, by whole keys of the store, that are written in one step with its own. */
export interface Beside {
  /** About how much they are. */
  readonly bytes: number
  /**
   * Called once, when the order of all changes is settled: what it gives is written in that order, or nothing ever is.
   * Must not throw: the store ends where it does. `id` is that of the message, empty without one.
   */
  readonly rows: (id: string) => readonly BesideRow[]
}

/** Undefined takes the row away. */
export type BesideRow = readonly [key: string, value: Uint8Array | undefined]

export interface Bounds {
  /** Ready and delayed messages of the topic. */
  readonly depth: number
  /** Their bytes; without it the tenant's alone count. */
  readonly topicBytes?: number | undefined
  /** Bytes of all that the tenant has. */
  readonly tenantBytes: number
  /** Where it does not fit it is left out, instead of the whole commit being refused. */
  readonly isOptional?: boolean
}

export interface IdemKey {
  /** 1 to 255 bytes. */
  readonly key: string
  /** 32 bytes: of everything that makes two sends the same. */
  readonly hash: Uint8Array
}

export interface StoredMessage extends Place {
  readonly meta: Uint8Array
  readonly body: Uint8Array
  /** As `noteAttempts` last said; 0 until then. */
  readonly attempts: number
  /** Bytes that delivery alone understands: what became of earlier attempts; up to 64 KiB. */
  readonly history: Uint8Array
  readonly notBeforeMs: number | undefined
  readonly expiresAtMs: number | undefined
  /** Of its record in the store without `history`: what counts against a quota. */
  readonly bytes: number
}

export interface DeadLetter extends StoredMessage {
  /** Unix ms. */
  readonly diedAtMs: number
  readonly reason: string
}

/** One part of a commit. All parts of one commit become durable together, or none does. */
export type Change =
  | { readonly do: 'append'; readonly message: NewMessage }
  /** Takes a ready or delayed message away: acknowledged, expired, deleted. */
  | { readonly do: 'remove'; readonly place: Place }
  /** From `ready` to `delayed` until `notBeforeMs`: a consumer gave it back and wants it later. */
  | {
      readonly do: 'postpone'
      readonly place: Place
      readonly notBeforeMs: number
      readonly attempts: number
      readonly history: Uint8Array
    }
  /** From `delayed` to `ready`, into its place by priority and id. */
  | { readonly do: 'promote'; readonly place: Place }
  /** From `ready` or `delayed` to `dead`; `expiresAtMs` replaces the message's own. */
  | {
      readonly do: 'bury'
      readonly place: Place
      readonly attempts: number
      readonly history: Uint8Array
      readonly reason: string
      readonly expiresAtMs?: number | undefined
    }
  /** From `dead` to `ready`, into its place of before, with no attempts and its history; `expiresAtMs` replaces the dead letter's. */
  | { readonly do: 'redrive'; readonly place: Place; readonly expiresAtMs?: number | undefined }
  /** Takes a dead letter away. */
  | { readonly do: 'discard'; readonly place: Place }
  /** Keeps a note beside the messages; another of that name gives way. */
  | { readonly do: 'note'; readonly note: Note }
  /** Writes rows outside the mailbox in the order of all changes. */
  | { readonly do: 'beside'; readonly beside: Beside }

/** What others must keep in one step with messages: the store does not look into it, and no count or bound has it. */
export interface Note {
  /** 1 to 255 printable characters of ASCII, first that of its owner; notes sort by it. */
  readonly name: string
  /** Up to 64 KiB. */
  readonly value: Uint8Array
  /** Where there is a note of that name already, it stays, and the whole commit is refused: `known`. */
  readonly isNew?: boolean | undefined
}

/**
 * What became of a change, in the order of the changes: `done`; `duplicate` of the message `id`; `absent` where there was
 * no such message in the state that the change starts from, and nothing changed. One `conflict` (the idempotency key was
 * used with another hash) refuses the whole commit: the other parts are `refused`. So does one `full`, unless it is optional,
 * and one `known`, a note that was to be new and is not.
 */
export interface Outcome {
  readonly is: 'done' | 'duplicate' | 'absent' | 'conflict' | 'full' | 'known' | 'refused'
  /** Of an append that is `done` or a `duplicate`. */
  readonly id?: string
  /** Of an append that is `done`: where the message is now. */
  readonly state?: 'ready' | 'delayed'
  /** Which bound left no room, of an append that is `full`. */
  readonly of?: 'topic' | 'topic_bytes' | 'tenant'
  /** Of a note that is `known`: what it holds. */
  readonly value?: Uint8Array
}

/** What a lease changed; kept through `kill -9`, may be forgotten in a power cut. */
export interface AttemptNote {
  readonly place: Place
  readonly attempts: number
  readonly history: Uint8Array
}

/** Where to read on, and how much: at least one message whatever `maxBytes` says. */
export interface Reading {
  /** Only messages of this priority. */
  readonly priority?: number | undefined
  /** Those that stand behind this one, which need not be there any more. */
  readonly after?: { readonly priority: number; readonly id: string } | undefined
  /** 1 to 1024. */
  readonly limit: number
  /** Of the records; without it 1 MiB. */
  readonly maxBytes?: number | undefined
}

export interface Count {
  readonly messages: number
  readonly bytes: number
}

/** Counts of one topic, or of all topics of a tenant; commits under way are counted as if they had ended. */
export interface Counts {
  readonly ready: Count
  readonly delayed: Count
  readonly dead: Count
}

export interface TopicCounts extends Topic, Counts {
  /** Ready messages of each priority, from 0 to 9: what spares reading priorities that have none. */
  readonly byPriority: readonly number[]
}

/** A message whose time has come. `state` is where it is: a delayed one may also have expired. */
export interface Due {
  readonly atMs: number
  readonly what: 'not_before' | 'expires'
  readonly state: State
  readonly place: Place
}

/** A stretch of batches by their running numbers, both ends included, that were durable and are not there any more. */
export interface MissingBatches {
  readonly from: number
  readonly to: number
}

/** What opening found; it took a time that depends on what was under way, and on all rows only if batches are missing. */
export interface OpeningReport {
  /** The last batch that is there; 0 for an empty store. */
  readonly lastBatch: number
  /** Batches read to bring the counts up to date. */
  readonly replayed: number
  /** Found missing now; counts were taken anew. */
  readonly missing: readonly MissingBatches[]
  /** Rows read because batches were missing or the counts damaged; else 0. */
  readonly recounted: number
}

/** A row whose checksum or form is wrong; it was set aside, and the rest goes on. */
export interface CorruptRow {
  /** As it was read; others may not be text. */
  readonly key: string
  readonly detail: string
}

/**
 * Messages that survive a power cut once their commit has resolved. Memory does not grow with what is stored. When a
 * commit fails, so do all later ones, because nobody knows what reached the disk: close the store and open it again.
 */
export interface MailboxStore extends AsyncDisposable {
  readonly opened: OpeningReport
  /** What the first failed commit threw. */
  readonly failure: unknown
  /** Commits that wait for the disk, and the bytes of what they carry. */
  readonly waiting: Count

  /**
   * Resolves once all changes would survive a power cut; concurrent callers share a write, in the order of their calls.
   * 1 to 1024 changes. @throws OapError `saturated` when too much waits, sooner for what only appends; RangeError for what the types above
   * exclude.
   */
  commit(changes: readonly Change[]): Promise<readonly Outcome[]>

  /** In order with commits. A message that is not there any more stays so. */
  noteAttempts(notes: readonly AttemptNote[]): Promise<void>

  /** Ready messages in ready order. Fewer than asked for is the end of what is there, or `maxBytes`. */
  read(topic: Topic, reading: Reading): Promise<readonly StoredMessage[]>
  /** A ready or delayed message by its id alone. */
  find(topic: Topic, id: string): Promise<(StoredMessage & { readonly state: State }) | undefined>
  /** In the order of ids; `after` needs its id only. */
  deadLetters(topic: Topic, reading: Reading): Promise<readonly DeadLetter[]>
  /**
   * What was due by `nowMs`, the longest overdue first; up to 1024. Stays due until it is removed or moved. With `after`, only
   * what stands behind that one, which need not be there any more.
   */
  due(nowMs: number, limit: number, after?: Due): Promise<readonly Due[]>
  /** When the next message is due, of those that are due later than `afterMs`; unix ms. */
  nextDueMs(afterMs?: number): Promise<number | undefined>

  counts(topic: Topic): TopicCounts
  tenantCounts(tenant: string): Counts
  /** Topics that have a message in any state, of one tenant or all, by name; up to 1024 a call. */
  topics(from: {
    readonly tenant?: string | undefined
    readonly after?: Topic | undefined
    readonly limit: number
  }): Promise<readonly TopicCounts[]>

  /**
   * Takes all messages of a state away, in commits of bounded size, and gives their room on the disk back; yields how many
   * went. What is appended meanwhile may stay. `progress` hears the number so far.
   */
  purge(topic: Topic, state: State, options?: PurgeOptions): Promise<number>
  /** A note that is durable; one whose commit has not resolved may be missing. */
  note(name: string): Promise<Uint8Array | undefined>
  /** Takes away the notes from `from` on and before `to`. A power cut may bring them back. */
  forgetNotes(from: string, to: string): Promise<void>
  /** Forgets idempotency keys whose window has passed; to be called every minute or so. */
  forgetIdemKeys(nowMs: number): Promise<void>
}

export interface PurgeOptions {
  readonly signal?: AbortSignal | undefined
  readonly progress?: ((messages: number) => void) | undefined
}

export interface MailboxStoreOptions {
  /** Unix ms. */
  readonly now: () => number
  /** How long an idempotency key is known. */
  readonly idemWindowMs: number
  /** Told of each row that was set aside. */
  readonly onCorrupt?: ((row: CorruptRow) => void) | undefined
}
