import type { KeyObject } from 'node:crypto'
import { REVOCATION_HEAD, signStatement } from '../../federation/index.ts'
import type { RevocationHeadStatement, Signed } from '../../federation/index.ts'
import { OapError } from '../../protocols/index.ts'
import {
  EMPTY_LIST,
  formatRevocation,
  headOf,
  isReason,
  parseRevocation,
  revoked,
  signRevocation
} from './revocation-statement.ts'
import type { ListHead, Revoked, SignedRevocation } from './revocation-statement.ts'

export const MAX_STATEMENTS = 100_000

/** With what a hub signs its revocations. */
export interface RevocationSigner {
  readonly hub: string
  readonly key: KeyObject
  /** Its public half, in hex. */
  readonly publicKey: string
  /** Of its delegation. */
  readonly epoch: number
  /** Of its delegation, in Unix seconds: no statement says an earlier time. */
  readonly notBefore?: number
  /** The public keys of the epochs before, the first first. */
  readonly earlier?: readonly string[]
}

/** What of a token may have been revoked. */
export interface Revocable {
  readonly capId: string
  readonly kid: number
  readonly subject?: string | undefined
}

export interface RevocationListOptions {
  readonly signer: RevocationSigner
  /** The lines that are there, each read and found whole. */
  readonly lines?: readonly string[]
  readonly file?: ListFile
}

/** Where a list is kept. Both resolve once what they write would survive a power cut. */
export interface ListFile {
  /** Writes further lines, each with its line feed, behind the others and in the place of what else is there. */
  append(text: string): Promise<void>
  /** Writes that the list has been answered for up to `head`. */
  settle(head: ListHead): Promise<void>
}

const IN_MEMORY: ListFile = { append: async () => {}, settle: async () => {} }

/**
 * What a hub has taken back, in an order that only grows. What is said of a token costs the same however long the list
 * is; the list holds at most 100,000 statements.
 */
export class RevocationList {
  #signer: RevocationSigner
  readonly #file: ListFile
  readonly #lines: string[] = []
  readonly #capIds = new Set<string>()
  readonly #kids = new Set<number>()
  readonly #subjects = new Set<string>()
  readonly #listeners = new Set<(seq: number) => void>()
  #head = EMPTY_LIST
  #settled = EMPTY_LIST
  #lastAt = 0

  constructor({ signer, lines = [], file = IN_MEMORY }: RevocationListOptions) {
    this.#signer = signer
    this.#file = file
    for (const line of lines) this.#take(parseRevocation(line), line)
    this.#settled = this.#head
  }

  /** How many statements there are: the sequence of the last one, 0 for none. */
  get seq(): number {
    return this.#head.seq
  }

  get head(): ListHead {
    return this.#head
  }

  /** When the last statement was made; 0 for none. */
  get lastAt(): number {
    return this.#lastAt
  }

  /** The head at a time, signed. */
  signedHead(nowS: number): Signed<RevocationHeadStatement> {
    const { key, publicKey, hub, epoch, notBefore = 0 } = this.#signer
    const at = Math.max(nowS, notBefore)
    return signStatement(REVOCATION_HEAD, key, { at, ...this.#head, epoch, hub, key: publicKey })
  }

  /** The head, once nothing stands behind it where the list is kept. Must not run while `revoke` does. */
  async standing(): Promise<ListHead> {
    // What a write that failed may have left would else be there again, under a key that has been replaced.
    await this.#file.append('')
    if (this.#settled !== this.#head) await this.#file.settle(this.#head)
    this.#settled = this.#head
    return this.#head
  }

  /** From now on statements are signed by another key. Must not run while `revoke` does. */
  signBy(signer: RevocationSigner): void {
    this.#signer = signer
  }

  /** At most `most` statements after a sequence, in order. */
  from(seq: number, most: number): SignedRevocation[] {
    return this.#lines.slice(seq, seq + most).map(parseRevocation)
  }

  /** What of a token was revoked; undefined for nothing. */
  revokedOf({ capId, kid, subject }: Revocable): 'cap_id' | 'kid' | 'subject' | undefined {
    if (this.#capIds.has(capId)) return 'cap_id'
    if (this.#kids.has(kid)) return 'kid'
    return subject !== undefined && this.#subjects.has(subject) ? 'subject' : undefined
  }

  isRevoked(token: Revocable): boolean {
    return this.revokedOf(token) !== undefined
  }

  has(thing: Revoked): boolean {
    if ('cap_id' in thing) return this.#capIds.has(thing.cap_id)
    return 'kid' in thing ? this.#kids.has(thing.kid) : this.#subjects.has(thing.subject)
  }

  /**
   * Adds a statement for each of `things` that has none yet, and resolves with how many that were once they would
   * survive a power cut; they hold from then on. Must not run twice at a time.
   * Throws `bad_request` for something that cannot be revoked or a reason that is too long, `conflict` when it is full.
   */
  async revoke(
    things: readonly Revoked[],
    { reason = '', nowS }: { readonly reason?: string | undefined; readonly nowS: number }
  ): Promise<number> {
    if (!isReason(reason)) throw new OapError('bad_request', 'reason: one line of at most 256 bytes')
    const fresh = new Map(
      things
        .map(readThing)
        .filter(thing => !this.has(thing))
        .map(thing => [JSON.stringify(thing), thing])
    )
    if (this.seq + fresh.size > MAX_STATEMENTS)
      throw new OapError('conflict', 'the list of revocations is full: rotate with --break-glass instead')
    if (fresh.size > 0)
      await this.#add([...fresh.values()], reason, Math.max(nowS, this.#lastAt, this.#signer.notBefore ?? 0))
    if (this.#settled !== this.#head) await this.#file.settle(this.#head)
    this.#settled = this.#head
    return fresh.size
  }

  /** Calls `listener` with the sequence each time it has moved, until the function that it gives is called. */
  onMove(listener: (seq: number) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  async #add(things: readonly Revoked[], reason: string, at: number): Promise<void> {
    const statements = this.#signed(things, reason, at)
    await this.#file.append(statements.map(({ line }) => `${line}\n`).join(''))
    for (const { signed, line } of statements) this.#take(signed, line)
    for (const listener of this.#listeners) listener(this.seq)
  }

  #signed(things: readonly Revoked[], reason: string, at: number) {
    const { key, hub, publicKey, epoch } = this.#signer
    let head = this.#head
    return things.map(revoke => {
      const seq = head.seq + 1
      const statement = { at, epoch, hub, key: publicKey, prev: head.digest, reason, revoke, seq }
      const signed = signRevocation(key, statement)
      const line = formatRevocation(signed)
      head = headOf(seq, line)
      return { signed, line }
    })
  }

  #take({ statement: { at, revoke, seq } }: SignedRevocation, line: string): void {
    this.#lines.push(line)
    if ('cap_id' in revoke) this.#capIds.add(revoke.cap_id)
    else if ('kid' in revoke) this.#kids.add(revoke.kid)
    else this.#subjects.add(revoke.subject)
    this.#head = headOf(seq, line)
    this.#lastAt = at
  }
}

function readThing(thing: unknown): Revoked {
  try {
    return revoked(thing)
  } catch (error) {
    throw new OapError('bad_request', error instanceof SyntaxError ? error.message : 'revoke: wrong form')
  }
}
