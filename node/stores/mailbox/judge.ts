import type { IdemKeys, IdemName } from './idem-keys.ts'
import { nameOf } from './keys.ts'
import { noteKey } from './notes.ts'
import { Room } from './room.ts'
import type { Tallies } from './tallies.ts'
import type { Change, Outcome } from './types.ts'

const REFUSED: Outcome = { is: 'refused' }
const CONFLICT: Outcome = { is: 'conflict' }

/** What a commit meets, its parts in their order. */
export interface Judged {
  /** Of the appends that have keys. */
  readonly names: readonly (IdemName | undefined)[]
  /** The outcomes of those that repeat what an earlier commit appended. */
  readonly repeated: readonly (Outcome | undefined)[]
  /** All outcomes, where the commit is refused. */
  readonly refused: readonly Outcome[] | undefined
}

/** Says whether a commit may be composed: its keys were not used for something else, and what must fit does. */
export class Judge {
  readonly #keys: IdemKeys
  readonly #topics: Tallies
  readonly #tenants: Tallies
  readonly #note: (key: string) => Uint8Array | undefined

  /** `note` gives what a row of a note holds, with all that was composed so far. */
  constructor(
    keys: IdemKeys,
    topics: Tallies,
    tenants: Tallies,
    note: (key: string) => Uint8Array | undefined
  ) {
    this.#keys = keys
    this.#topics = topics
    this.#tenants = tenants
    this.#note = note
  }

  judge(changes: readonly Change[], nowMs: number): Judged {
    const known = this.#known(changes)
    if (known !== undefined) return { names: [], repeated: [], refused: known }
    const names = changes.map(change => {
      if (change.do !== 'append' || change.message.idem === undefined) return undefined
      return this.#keys.name(nameOf(change.message), change.message.idem.key, nowMs)
    })
    const repeated = this.#repeated(changes, names, nowMs)
    if (repeated.includes(CONFLICT)) {
      const refused = repeated.map(outcome => (outcome === CONFLICT ? CONFLICT : REFUSED))
      return { names, repeated, refused }
    }
    return { names, repeated, refused: this.#full(changes, names, repeated) }
  }

  /** All outcomes, where a note that was to be new is not. */
  #known(changes: readonly Change[]): Outcome[] | undefined {
    let refused: Outcome[] | undefined
    for (const [i, change] of changes.entries()) {
      if (change.do !== 'note' || change.note.isNew !== true) continue
      const value = this.#note(noteKey(change.note.name))
      if (value === undefined) continue
      refused ??= changes.map(() => REFUSED)
      refused[i] = { is: 'known', value }
    }
    return refused
  }

  /** CONFLICT also for what repeats a part of the same commit with another hash. */
  #repeated(
    changes: readonly Change[],
    names: Judged['names'],
    nowMs: number
  ): readonly (Outcome | undefined)[] {
    // Most commits are one message, which needs none.
    const own = changes.length > 1 ? new Map<string, Uint8Array>() : undefined
    return changes.map((change, i) => {
      const name = names[i]
      if (name === undefined || change.do !== 'append') return undefined
      const { hash } = change.message.idem!
      const known = this.#keys.known(name, nowMs)
      const earlier = known?.hash ?? own?.get(name.rowKey)
      if (earlier !== undefined && Buffer.compare(earlier, hash) !== 0) return CONFLICT
      if (known !== undefined) return { is: 'duplicate', id: known.id }
      own?.set(name.rowKey, hash)
      return undefined
    })
  }

  #full(
    changes: readonly Change[],
    names: Judged['names'],
    repeated: Judged['repeated']
  ): readonly Outcome[] | undefined {
    const room = new Room(this.#topics, this.#tenants)
    const own = changes.length > 1 ? new Set<string>() : undefined
    let refused: Outcome[] | undefined
    for (const [i, change] of changes.entries()) {
      if (change.do !== 'append' || repeated[i] !== undefined) continue
      const { message } = change
      if (message.bounds === undefined || message.bounds.isOptional === true) continue
      const key = names[i]?.rowKey
      // The second of two with one key is the first.
      if (key !== undefined && own?.has(key) === true) continue
      if (key !== undefined) own?.add(key)
      const full = room.refusal(message)
      if (full === undefined) {
        if (own !== undefined) room.add(message)
        continue
      }
      refused ??= changes.map(() => REFUSED)
      refused[i] = full
    }
    return refused
  }
}
