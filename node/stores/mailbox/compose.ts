import type { Level } from '../level.ts'
import type { AttemptLog } from './attempt-log.ts'
import type { Batch } from './batch.ts'
import type { IdemFilters } from './idem-filter.ts'
import { IdemKeys } from './idem-keys.ts'
import type { IdemName } from './idem-keys.ts'
import { Judge } from './judge.ts'
import { KIND, PREFIX, messageKey, nameOf, parsePlace, row, timerKey, topicName } from './keys.ts'
import { liveRow } from './live-rows.ts'
import type { LiveRow, LiveRows } from './live-rows.ts'
import { checkHistory, checkMessage, checkTime, decodeRecord, encodeRecord } from './record.ts'
import type { Record } from './record.ts'
import { checkNote, noteIn, noteRow } from './notes.ts'
import { Room } from './room.ts'
import { sealed } from './seal.ts'
import type { Tallies, Tally } from './tallies.ts'
import { count } from './tallies.ts'
import type { AttemptNote, Beside, Change, CorruptRow, NewMessage, Outcome, Place, State } from './types.ts'
import type { Ulids } from './ulid.ts'

const NOTHING = new Uint8Array()
const DONE: Outcome = { is: 'done' }
const ABSENT: Outcome = { is: 'absent' }
const MOST_NOTED = 65_536

export interface Parts {
  readonly level: Level
  readonly attempts: AttemptLog
  readonly topics: Tallies
  readonly tenants: Tallies
  readonly live: LiveRows
  readonly filters: IdemFilters
  readonly ulids: Ulids
  readonly now: () => number
  readonly idemWindowMs: number
  readonly onCorrupt: (corrupt: CorruptRow) => void
}

/** Where rows go, and where those are that were composed last. */
export interface Batches {
  readonly filling: Batch
  readonly underWay: Batch | undefined
}

/** Turns changes into rows, as if all that was composed before were on the disk already. Does not wait for anything. */
export class Composer {
  readonly #parts: Parts
  readonly #batches: Batches
  readonly #keys: IdemKeys
  readonly #judge: Judge

  constructor(parts: Parts, batches: Batches) {
    this.#parts = parts
    this.#batches = batches
    const { filters, idemWindowMs, onCorrupt } = parts
    const get = (rowKey: string): Uint8Array | undefined => this.#get(rowKey)
    this.#keys = new IdemKeys({ filters, idemWindowMs, onCorrupt, batch: () => batches.filling, get })
    const note = (key: string): Uint8Array | undefined => noteIn(key, this.#get(key), onCorrupt)
    this.#judge = new Judge(this.#keys, parts.topics, parts.tenants, note)
  }

  /** @throws RangeError for a change that no store could keep; then nothing is composed. */
  check(changes: readonly Change[]): void {
    for (const change of changes) {
      if (change.do === 'note') {
        checkNote(change.note)
        continue
      }
      if (change.do === 'beside') continue
      topicName('message' in change ? change.message : change.place)
      if (change.do === 'append') checkMessage(change.message)
      if ('history' in change) checkHistory(change.history, change.attempts)
      if ('notBeforeMs' in change) checkTime('notBeforeMs', change.notBeforeMs)
      if ('expiresAtMs' in change) checkTime('expiresAtMs', change.expiresAtMs)
    }
  }

  /** The outcomes of a commit that would be refused now. */
  refusal(changes: readonly Change[]): readonly Outcome[] | undefined {
    return this.#judge.judge(changes, this.#now()).refused
  }

  /** All changes, or none of a commit that is refused. */
  compose(changes: readonly Change[]): readonly Outcome[] {
    const nowMs = this.#now()
    const { names, repeated, refused } = this.#judge.judge(changes, nowMs)
    if (refused !== undefined) return refused
    const { topics, tenants } = this.#parts
    const first = changes.length > 1 ? new Map<string, Outcome>() : undefined
    return changes.map((change, i) => {
      if (change.do === 'note') {
        this.#batches.filling.put(...noteRow(change.note))
        return DONE
      }
      if (change.do === 'beside') {
        this.#beside(change.beside, '')
        return DONE
      }
      if (change.do !== 'append') return this.#move(change, nowMs)
      const idem = names[i]
      const known = repeated[i] ?? (idem && first?.get(idem.rowKey))
      if (known !== undefined) return { is: 'duplicate', id: known.id! }
      const { message } = change
      const full =
        message.bounds?.isOptional === true ? new Room(topics, tenants).refusal(message) : undefined
      if (full !== undefined) return full
      const outcome = this.#append(message, idem, nowMs)
      if (idem !== undefined) first?.set(idem.rowKey, outcome)
      return outcome
    })
  }

  /** Attempts alone cost a row for all of them; a history is kept in the message's own row. */
  note(notes: readonly AttemptNote[]): void {
    const { attempts: log } = this.#parts
    const batch = this.#batches.filling
    const alone: (readonly [string, number])[] = []
    for (const { place, attempts, history } of notes) {
      const key = messageKey('ready', nameOf(place), place.priority, place.id)
      const live = this.#live(key, 'ready', place)
      if (live === undefined) continue
      if (history.length === 0 && !live.hasHistory) {
        this.#parts.live.add(key, live)
        alone.push([key, attempts])
      } else this.#rewrite(key, place, attempts, history)
    }
    log.note(batch, alone)
    for (let key = log.oldest; key !== undefined && log.size > MOST_NOTED; key = log.oldest) this.#settle(key)
  }

  /** Moves what the log knows of a message into its row. */
  #settle(key: string): void {
    const { attempts: log } = this.#parts
    const place = parsePlace(key.slice(PREFIX.length + 1))
    if (place !== undefined) this.#rewrite(key, place, log.get(key) ?? 0, NOTHING)
    log.forget(this.#batches.filling, key)
  }

  #rewrite(key: string, place: Place, attempts: number, history: Uint8Array): void {
    const record = this.#record(key, 'ready', place)
    if (record === undefined) return
    const batch = this.#batches.filling
    this.#parts.attempts.forget(batch, key)
    const changed = { ...record, attempts, history }
    const value = encodeRecord(key, changed)
    batch.put(key, value, false)
    this.#parts.live.add(key, liveRow(changed, value))
  }

  /** Takes a row out of the order that cannot be read, and keeps its bytes. */
  setAside(key: string, state: State, place: Place, bytes: Uint8Array, detail: string): void {
    if (this.#get(key) === undefined) return
    const batch = this.#batches.filling
    batch.del(key)
    batch.put(row(KIND.setAside, key.slice(PREFIX.length)), bytes)
    this.#parts.live.remove(key)
    this.#parts.attempts.forgetGone(batch, key)
    this.#count(place, nameOf(place), state, place.priority, bytes.length, -1)
    this.#parts.onCorrupt({ key, detail })
  }

  #now(): number {
    return Math.max(this.#parts.now(), this.#parts.ulids.timeMs)
  }

  #append(message: NewMessage, idem: IdemName | undefined, nowMs: number): Outcome {
    const { tenant, topic, priority, notBeforeMs, expiresAtMs, meta, body } = message
    const name = nameOf(message)
    const id = this.#parts.ulids.next(nowMs)
    const place = { tenant, topic, priority, id }
    // By the clock that senders and delivery go by; the time in ids may be ahead of it.
    const isEarly = notBeforeMs !== undefined && notBeforeMs > this.#parts.now()
    const state = isEarly ? 'delayed' : 'ready'
    const record = {
      batch: this.#batches.filling.number,
      priority,
      attempts: 0,
      history: NOTHING,
      meta,
      body,
      notBeforeMs,
      expiresAtMs
    }
    this.#put(place, name, state, record, message.goesSoon)
    if (idem !== undefined) this.#keys.remember(idem, id, message.idem!.hash, nowMs)
    if (message.beside !== undefined) this.#beside(message.beside, id)
    return { is: 'done', id, state }
  }

  #beside({ rows }: Beside, id: string): void {
    const batch = this.#batches.filling
    for (const [key, value] of rows(id)) {
      if (value === undefined) batch.del(key)
      else batch.put(key, value)
    }
  }

  #move(change: Exclude<Change, { do: Fixed }>, nowMs: number): Outcome {
    const { place } = change
    const name = nameOf(place)
    const from: readonly State[] = FROM[change.do]
    for (const state of from) {
      const key = messageKey(state, name, place.priority, place.id)
      if (change.do === 'remove' || change.do === 'discard') {
        const live = this.#live(key, state, place)
        if (live === undefined) continue
        this.#take(key, place, name, state, live)
        this.#parts.attempts.forgetGone(this.#batches.filling, key)
        return DONE
      }
      const record = this.#record(key, state, place)
      if (record === undefined) continue
      this.#take(key, place, name, state, liveRow(record, this.#get(key)!))
      this.#parts.attempts.forget(this.#batches.filling, key)
      const [to, changed] = moved(change, record, nowMs)
      this.#put({ ...place, priority: record.priority }, name, to, changed)
      return DONE
    }
    return ABSENT
  }

  #put(place: Place, name: string, state: State, record: Record, goesSoon = false): void {
    const batch = this.#batches.filling
    const key = messageKey(state, name, place.priority, place.id)
    const value = encodeRecord(key, record)
    const { notBeforeMs, expiresAtMs, priority } = record
    batch.put(key, value)
    if (state === 'delayed') batch.put(...timer(notBeforeMs!, 'not_before', state, place, name))
    if (expiresAtMs !== undefined) batch.put(...timer(expiresAtMs, 'expires', state, place, name))
    const live = liveRow(record, value)
    this.#count(place, name, state, priority, live.bytes, 1)
    // Kept for all, these would be most of what a store has in memory that only takes messages in.
    if (goesSoon) this.#parts.live.add(key, live)
  }

  #take(key: string, place: Place, name: string, state: State, live: LiveRow): void {
    const batch = this.#batches.filling
    batch.del(key)
    const { notBeforeMs, expiresAtMs, priority, bytes } = live
    const at = { ...place, priority: state === 'dead' ? 0 : priority }
    if (state === 'delayed') batch.del(timerKey(notBeforeMs!, 'not_before', state, at, name))
    if (expiresAtMs !== undefined) batch.del(timerKey(expiresAtMs, 'expires', state, at, name))
    this.#count(place, name, state, priority, bytes, -1)
    this.#parts.live.remove(key)
  }

  #count({ tenant }: Place, name: string, state: State, priority: number, bytes: number, sign: 1 | -1): void {
    const { topics, tenants } = this.#parts
    const tally = topics.get(name)
    this.#batches.filling.count(tally, state, priority, bytes, sign)
    counted(topics, tally, state, priority, bytes, sign)
    counted(tenants, tenants.get(tenant), state, priority, bytes, sign)
  }

  #live(key: string, state: State, place: Place): LiveRow | undefined {
    const live = this.#parts.live.get(key)
    if (live !== undefined) return live
    const record = this.#record(key, state, place)
    return record && liveRow(record, this.#get(key)!)
  }

  /** A row that cannot be read is set aside, and counts as absent. */
  #record(key: string, state: State, place: Place): Record | undefined {
    const bytes = this.#get(key)
    if (bytes === undefined) return undefined
    const record = decodeRecord(key, bytes)
    if (typeof record !== 'string') return record
    this.setAside(key, state, place, bytes, record)
    return undefined
  }

  #get(key: string): Uint8Array | undefined {
    const { filling, underWay } = this.#batches
    if (filling.has(key)) return filling.get(key)
    if (underWay?.has(key) === true) return underWay.get(key)
    return this.#parts.level.getSync(key)
  }
}

/** What moves no message. */
type Fixed = 'append' | 'note' | 'beside'

const FROM = {
  remove: ['ready', 'delayed'],
  postpone: ['ready'],
  promote: ['delayed'],
  bury: ['ready', 'delayed'],
  redrive: ['dead'],
  discard: ['dead']
} as const satisfies { readonly [name in Exclude<Change['do'], Fixed>]: readonly State[] }

type Move = Exclude<Change, { do: Fixed | 'remove' | 'discard' }>

/** Where a message goes, and what becomes of its record. */
function moved(change: Move, record: Record, nowMs: number): readonly [State, Record] {
  if (change.do === 'promote') return ['ready', record]
  if (change.do === 'redrive') {
    const { expiresAtMs } = change
    return ['ready', { ...record, expiresAtMs, attempts: 0, death: undefined }]
  }
  const { attempts, history } = change
  if (change.do === 'postpone')
    return ['delayed', { ...record, attempts, history, notBeforeMs: change.notBeforeMs }]
  const { reason, expiresAtMs } = change
  return ['dead', { ...record, expiresAtMs, attempts, history, death: { atMs: nowMs, reason } }]
}

function timer(
  atMs: number,
  what: 'not_before' | 'expires',
  state: State,
  place: Place,
  name: string
): readonly [string, Uint8Array] {
  const at = state === 'dead' ? { ...place, priority: 0 } : place
  const key = timerKey(atMs, what, state, at, name)
  return [key, sealed(key, NOTHING)]
}

function counted(
  tallies: Tallies,
  tally: Tally,
  state: State,
  priority: number,
  bytes: number,
  sign: 1 | -1
): void {
  count(tally.numbers, state, priority, bytes, sign)
  tallies.soil(tally)
}
