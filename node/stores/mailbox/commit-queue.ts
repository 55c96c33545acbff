import { OapError } from '../../../protocols/index.ts'
import type { Waiter } from './batch.ts'
import type { Composer } from './compose.ts'
import type { Change, Count, Outcome } from './types.ts'
import type { Writer } from './writer.ts'

const MAX_CHANGES = 1024
const MAX_COMMIT_BYTES = 16 * 1024 * 1024
const FULL_BATCH_BYTES = 4 * 1024 * 1024
const FULL_BATCH_COMMITS = 4096
const MOST_WAITING = 65_536
const MOST_WAITING_BYTES = 64 * 1024 * 1024
/** Beyond that, for commits that take messages away or move them: a mailbox that is full of sends must be able to shrink. */
const RESERVED = 16_384
const RESERVED_BYTES = 32 * 1024 * 1024
const BYTES_A_CHANGE = 128

/** A commit from its call to its answer. */
class Commit implements Waiter {
  readonly changes: readonly Change[]
  readonly bytes: number
  outcomes: readonly Outcome[] = []
  readonly #left: (commit: Commit) => void
  readonly #resolve: (outcomes: readonly Outcome[]) => void
  readonly #reject: (error: unknown) => void

  constructor(
    changes: readonly Change[],
    bytes: number,
    left: (commit: Commit) => void,
    resolve: (outcomes: readonly Outcome[]) => void,
    reject: (error: unknown) => void
  ) {
    this.changes = changes
    this.bytes = bytes
    this.#left = left
    this.#resolve = resolve
    this.#reject = reject
  }

  resolve(): void {
    this.#left(this)
    this.#resolve(this.outcomes)
  }

  reject(error: unknown): void {
    this.#left(this)
    this.#reject(error)
  }
}

/** Lets commits into the batch that is being filled, in their order, as long as it has room. */
export class CommitQueue {
  readonly #composer: Composer
  readonly #writer: Writer
  #queue: Commit[] = []
  #messages = 0
  #bytes = 0

  constructor(composer: Composer, writer: Writer) {
    this.#composer = composer
    this.#writer = writer
  }

  get waiting(): Count {
    return { messages: this.#messages, bytes: this.#bytes }
  }

  commit(changes: readonly Change[]): Promise<readonly Outcome[]> {
    return new Promise<readonly Outcome[]>((resolve, reject) => {
      const bytes = this.#check(changes)
      this.#messages++
      this.#bytes += bytes
      const commit = new Commit(changes, bytes, this.#left, resolve, reject)
      if (this.#queue.length === 0 && this.#hasRoom) this.#compose(commit)
      else if (!this.#isRefused(commit)) this.#queue.push(commit)
    })
  }

  readonly #left = ({ bytes }: Commit): void => {
    this.#messages--
    this.#bytes -= bytes
  }

  /** To be called when a new batch is being filled. */
  fill(): void {
    let taken = 0
    while (taken < this.#queue.length && this.#hasRoom) this.#compose(this.#queue[taken++]!)
    if (taken > 0) this.#queue = this.#queue.slice(taken)
  }

  get #hasRoom(): boolean {
    const { filling, failure } = this.#writer
    const { bytes, waiters } = filling
    // A failed writer has room for all: it refuses them.
    if (failure !== undefined) return true
    return bytes < FULL_BATCH_BYTES && waiters.length < FULL_BATCH_COMMITS
  }

  #check(changes: readonly Change[]): number {
    if (changes.length === 0 || changes.length > MAX_CHANGES)
      throw new RangeError(`1 to ${MAX_CHANGES} changes`)
    this.#composer.check(changes)
    let bytes = 0
    for (const change of changes) bytes += bytesOf(change)
    if (bytes > MAX_COMMIT_BYTES) throw new RangeError(`a commit has at most ${MAX_COMMIT_BYTES} bytes`)
    const isSend = changes.every(isAppend)
    const mostWaiting = MOST_WAITING + (isSend ? 0 : RESERVED)
    const mostBytes = MOST_WAITING_BYTES + (isSend ? 0 : RESERVED_BYTES)
    if (this.#messages >= mostWaiting || this.#bytes + bytes > mostBytes)
      throw new OapError('saturated', 'the mailbox cannot write as fast as it is asked to')
    return bytes
  }

  #compose(commit: Commit): void {
    const { failure } = this.#writer
    if (failure !== undefined) return commit.reject(failure)
    try {
      commit.outcomes = this.#writer.composing(() => this.#composer.compose(commit.changes))
    } catch (error) {
      return commit.reject(error)
    }
    // What is refused is so whatever becomes of the batch.
    if (isRefused(commit.outcomes) && !isKnown(commit.outcomes)) commit.resolve()
    else this.#writer.add(commit)
  }

  /** What there is no room for need not wait to hear so. */
  #isRefused(commit: Commit): boolean {
    try {
      const outcomes = this.#writer.composing(() => this.#composer.refusal(commit.changes))
      if (outcomes === undefined || isKnown(outcomes)) return false
      commit.outcomes = outcomes
      commit.resolve()
    } catch (error) {
      commit.reject(error)
    }
    return true
  }
}

const isAppend = ({ do: what }: Change): boolean => what === 'append'

/** One part is so, or all others are. */
const isRefused = (outcomes: readonly Outcome[]): boolean =>
  outcomes.some(({ is }) => is === 'conflict' || is === 'refused') ||
  outcomes.every(({ is }) => is === 'full')

/** The note that it is known by may still be on its way to the disk. */
const isKnown = (outcomes: readonly Outcome[]): boolean => outcomes.some(({ is }) => is === 'known')

function bytesOf(change: Change): number {
  if (change.do === 'note') return BYTES_A_CHANGE + change.note.value.length
  if (change.do === 'beside') return BYTES_A_CHANGE + change.beside.bytes
  if (change.do !== 'append') return BYTES_A_CHANGE
  const { meta, body, beside } = change.message
  return BYTES_A_CHANGE + meta.length + body.length + (beside?.bytes ?? 0)
}
