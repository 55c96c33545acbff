import { formatDelegation } from '../../federation/index.ts'
import type { Moment } from '../../federation/index.ts'
import { InTurn } from '../capabilities/in-turn.ts'
import { parseKeyDelegation, revoked } from '../capabilities/index.ts'
import type { Revoked, SignedRevocation } from '../capabilities/index.ts'
import { CheckedRows } from '../stores/checked-rows.ts'
import type { Level } from '../stores/level.ts'
import { NOT_FOLLOWED, follow, isFresh } from './following.ts'
import type { Following, NewsProblem, RevocationNews } from './following.ts'

/** The name of the rows in a store. */
export const FOLLOWED_ROWS = 'followed'
/** Statements of one hub that are kept, as many as a hub may make. */
export const MAX_OF_ONE = 100_000
/** Statements of all hubs together. */
export const MAX_OF_ALL = 400_000
const SEQ_DIGITS = 6

/** What of a right of another hub may have been revoked. */
export interface RightOfHub {
  readonly capId: string
  readonly kid: number
  readonly subject?: string | undefined
}

/** What another hub has said of its revocations, and whether it was taken. */
export interface Heard {
  /** Up to where it is followed now. */
  readonly seq: number
  readonly taken: number
  readonly problem: NewsProblem | undefined
}

export interface FollowedHubsOptions {
  readonly now: () => Moment
  /** Whether a hub has revoked a key of its own, in hex. */
  readonly isKeyRevoked?: (hub: string, key: string) => boolean
  readonly mostOfOne?: number
  readonly mostOfAll?: number
}

/**
 * What other hubs have revoked, as far as they said. What is taken holds at once and survives a power cut before it is
 * answered for; that a head is fresh does not survive the process, so a hub that has not spoken since counts as silent.
 * What cannot be read when it is opened is asked for again from the beginning. Who can write here can hide revocations of
 * others until they are told again.
 */
export class FollowedHubs {
  readonly #o: FollowedHubsOptions
  readonly #rows: CheckedRows
  readonly #hubs = new Map<string, FollowedHub>()
  readonly #turns = new InTurn()
  readonly #listeners = new Set<(hub: string) => void>()

  private constructor(rows: CheckedRows, options: FollowedHubsOptions) {
    this.#rows = rows
    this.#o = options
  }

  static async open(level: () => Level, options: FollowedHubsOptions): Promise<FollowedHubs> {
    const rows = new CheckedRows(level, FOLLOWED_ROWS)
    const hubs = new FollowedHubs(rows, options)
    const states = new Map<string, unknown>()
    const things = new Map<string, unknown[]>()
    for (const { key, value } of await rows.all()) {
      const [hub = '', seq] = key.split('/')
      if (seq === undefined) states.set(hub, value)
      else (things.get(hub) ?? things.set(hub, []).get(hub)!).push(value)
    }
    for (const hub of new Set([...states.keys(), ...things.keys()])) {
      const known = stored(hub, states.get(hub), things.get(hub) ?? [])
      if (known !== undefined) hubs.#hubs.set(hub, known)
      else await hubs.#forgetRows(hub, (things.get(hub) ?? []).length)
    }
    return hubs
  }

  /** Statements that are kept. */
  get size(): number {
    return [...this.#hubs.values()].reduce((sum, { state }) => sum + state.head.seq, 0)
  }

  /** Up to where a hub is followed. */
  seqOf(hub: string): number {
    return this.#hubs.get(hub)?.state.head.seq ?? 0
  }

  /** Whether the newest head of a hub is good still, and all that it says is known. */
  isFresh(hub: string): boolean {
    return isFresh(this.#hubs.get(hub)?.state ?? NOT_FOLLOWED, this.#o.now().ms)
  }

  /** What of a right its hub has revoked; undefined for nothing that is known. */
  revokedOf(hub: string, { capId, kid, subject }: RightOfHub): 'cap_id' | 'kid' | 'subject' | undefined {
    const known = this.#hubs.get(hub)
    if (known === undefined) return undefined
    if (known.capIds.has(capId)) return 'cap_id'
    if (known.kids.has(kid)) return 'kid'
    return subject !== undefined && known.subjects.has(subject) ? 'subject' : undefined
  }

  /** Takes what a hub says; what of it holds, holds before this resolves, and is durable then. */
  async hear(hub: string, news: RevocationNews): Promise<Heard> {
    const { now, isKeyRevoked, mostOfOne = MAX_OF_ONE, mostOfAll = MAX_OF_ALL } = this.#o
    const known = this.#hubs.get(hub) ?? new FollowedHub()
    const room = known.state.head.seq + Math.max(0, mostOfAll - this.size)
    const mostStatements = Math.min(mostOfOne, room)
    const before = known.state
    const { state, taken, isAnew, problem } = follow(hub, before, news, {
      now: now(),
      mostStatements,
      isRevoked: key => isKeyRevoked?.(hub, key) === true
    })
    if (isAnew) known.startAnew()
    known.state = state
    for (const { statement } of taken) known.add(statement.revoke)
    if (taken.length > 0 || isAnew || state.delegations.length > 0) this.#hubs.set(hub, known)
    if (taken.length > 0 || isAnew) this.#tell(hub)
    known.unsaved.push(...taken)
    const hasMoreKeys = state.delegations.length > before.delegations.length
    if (known.unsaved.length > 0 || isAnew || hasMoreKeys)
      await this.#turns.run(() => this.#save(hub, known, isAnew ? before.head.seq : 0))
    return { seq: state.head.seq, taken: taken.length, problem }
  }

  /** Forgets what a hub said: it may not federate any more. */
  async forget(hub: string): Promise<void> {
    const known = this.#hubs.get(hub)
    if (known === undefined) return
    this.#hubs.delete(hub)
    this.#tell(hub)
    await this.#turns.run(() => this.#forgetRows(hub, known.state.head.seq))
  }

  /** Tells of hubs whose newest head has become too old since the last time; for a timer. Yields them. */
  expire(): readonly string[] {
    const nowMs = this.#o.now().ms
    const lapsed = [...this.#hubs].filter(([, known]) => known.wasFresh && !isFresh(known.state, nowMs))
    for (const [, known] of this.#hubs) known.wasFresh = isFresh(known.state, nowMs)
    for (const [hub] of lapsed) this.#tell(hub)
    return lapsed.map(([hub]) => hub)
  }

  /** Calls `listener` with a hub of whose rights some may have fallen, until the function that it gives is called. */
  onChange(listener: (hub: string) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  async #save(hub: string, known: FollowedHub, forgotten: number): Promise<void> {
    if (forgotten > 0) await this.#forgetRows(hub, forgotten)
    const saving = [...known.unsaved]
    await this.#rows.put([
      ...saving.map(({ statement: { seq, revoke } }) => ({ key: rowKey(hub, seq), value: revoke })),
      { key: hub, value: storable(known.state) }
    ])
    known.unsaved.splice(0, saving.length)
  }

  async #forgetRows(hub: string, upTo: number): Promise<void> {
    await this.#rows.remove([hub, ...Array.from({ length: upTo }, (_, n) => rowKey(hub, n + 1))])
  }

  #tell(hub: string): void {
    for (const listener of this.#listeners) listener(hub)
  }
}

/** What one hub has revoked. */
class FollowedHub {
  state: Following = NOT_FOLLOWED
  readonly capIds = new Set<string>()
  readonly kids = new Set<number>()
  readonly subjects = new Set<string>()
  readonly unsaved: SignedRevocation[] = []
  wasFresh = false

  add(thing: Revoked): void {
    if ('cap_id' in thing) this.capIds.add(thing.cap_id)
    else if ('kid' in thing) this.kids.add(thing.kid)
    else this.subjects.add(thing.subject)
  }

  startAnew(): void {
    this.capIds.clear()
    this.kids.clear()
    this.subjects.clear()
    this.unsaved.length = 0
  }
}

const rowKey = (hub: string, seq: number): string => `${hub}/${String(seq).padStart(SEQ_DIGITS, '0')}`

const storable = ({ delegations, head }: Following) => ({
  delegations: delegations.map(delegation => formatDelegation(delegation)),
  head
})

/** What was known of a hub when the process ended; undefined where a row is missing or damaged. */
function stored(hub: string, value: unknown, things: readonly unknown[]): FollowedHub | undefined {
  const { delegations, head } = (value ?? {}) as Partial<ReturnType<typeof storable>>
  if (delegations === undefined || head === undefined || things.length !== head.seq) return undefined
  try {
    const known = new FollowedHub()
    const keys = delegations.map(text => parseKeyDelegation(text))
    known.state = { ...NOT_FOLLOWED, delegations: keys, head }
    for (const thing of things) known.add(revoked(thing))
    return keys.every(({ statement }) => statement.hub === hub) ? known : undefined
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
