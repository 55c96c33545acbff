import { isRepostOf } from '../../ams/envelope.ts'
import type { SomeImmutable } from '../../ams/envelope.ts'
import { idTaken } from '../../ams/refusal.ts'
import { firstRecord, nextRecord } from '../../ams/status.ts'
import type { Changing, StatusRecord } from '../../ams/status.ts'
import type { Level } from '../level.ts'
import { unsealJson } from '../mailbox/seal.ts'
import { redactRecords, removeEnvelope, tidy } from './envelope-removal.ts'
import { KEYS_BYTES, NO_NUMBERS, bytesOf, noteThread, stored } from './envelope-rows.ts'
import type { Numbers } from './envelope-rows.ts'
import { rowBytes } from './fill.ts'
import type { Fill } from './fill.ts'
import { GroupWrites } from './group-writes.ts'
import type { Rows, RunOptions } from './group-writes.ts'
import {
  BYTES,
  NUMBERS,
  UNTOLD_START,
  between,
  beyond,
  envelopeKey,
  indexKey,
  latestKey,
  leavingKey,
  placeIn,
  placeKey,
  recordKey,
  recordsOf,
  restKey,
  sortable,
  startOf,
  threadKey,
  withdrawnKey
} from './keys.ts'
import type { IndexName } from './keys.ts'
import { REMOVED_AT_ONCE, oldBeyond, placeBelowNewest } from './retained.ts'
import type { Cut, RemovedBatch, WithBatch } from './retained.ts'
import type {
  EnvelopeFilter,
  EnvelopePage,
  KeptEnvelope,
  Leaving,
  NewEnvelope,
  StoredEnvelope,
  Thread
} from './types.ts'
import { Untold } from './untold.ts'

/** Rows that one list looks at; it goes on from there when it is asked again. */
const MOST_LOOKED_AT = 2000
/** A page ends behind the envelope with which it has so many bytes of JSON, so that long ones cannot fill the memory. */
export const MAX_PAGE_BYTES = 1024 * 1024
/** The index of the first of these that a filter names is gone through. */
const BY_CHOICE: readonly IndexName[] = ['thread', 'from', 'to', 'status']

/** A record that the audit log may not have yet. */
type UntoldRecord = Pick<EnvelopeEvent, 'is' | 'place' | 'trace'> & Pick<StatusRecord, 'n'>

/** Something that happened to an envelope, for the audit log. */
export interface EnvelopeEvent {
  readonly is: 'created' | 'updated' | 'redacted'
  readonly place: number
  readonly envelope: KeptEnvelope
  readonly record: StatusRecord
  /** The W3C traceparent of the request that did it. */
  readonly trace?: string | undefined
}

/** An envelope on its way to other hubs. */
export interface GoingOut {
  /** It was redacted or removed meanwhile. */
  readonly isWithdrawn: boolean
  readonly over: () => void
}

interface Noting {
  /** That of the request, for what goes to other hubs and for the audit log. */
  readonly trace?: string | undefined
  readonly is?: EnvelopeEvent['is'] | undefined
}

export interface ChangeOptions extends Changing, RunOptions {
  readonly trace?: string | undefined
  /** What stands beside it from then on, of what stood there; only where the change says nothing of it. */
  readonly note?: ((meta: StatusRecord['meta']) => StatusRecord['meta']) | undefined
}

export interface EnvelopeStoreOptions {
  /** Resolves once the audit log has it durably. */
  readonly tell: (event: EnvelopeEvent) => Promise<void>
  readonly onCorrupt: (key: string) => void
  /** Whether an envelope goes to other hubs once it is accepted; none does if missing. */
  readonly goesOut?: ((envelope: KeptEnvelope) => boolean) | undefined
  /** Called when some are to go, durably. */
  readonly onLeaving?: (() => void) | undefined
  /** Resolves once other hubs are given no more of what the envelope of a digest said, durably. */
  readonly withdraw?: ((sha256: string) => Promise<void>) | undefined
  /** What may be taken; no bound if missing. */
  readonly fill?: Fill | undefined
}

/**
 * Envelopes with the chains of their status, and their threads. What is created or changed is durable, and in the audit
 * log, before it is answered; where a crash comes between the two the next opening tells the log. Whoever can write to the
 * store can take envelopes away; they cannot change one unseen by who knows its digest, nor its chain by who knows its last
 * hash.
 */
export class EnvelopeStore {
  readonly #level: Level
  readonly #writes: GroupWrites
  readonly #untold: Untold<UntoldRecord>
  readonly #o: EnvelopeStoreOptions
  /** By place; as many as are sent, or taken for other hubs, at once. */
  readonly #out = new Map<number, Set<{ isWithdrawn: boolean }>>()
  /** Whether some of what was redacted may still be given to other hubs. */
  #isWithdrawing = true

  private constructor(level: Level, writes: GroupWrites, options: EnvelopeStoreOptions) {
    const { tell, onCorrupt } = options
    this.#level = level
    this.#writes = writes
    this.#o = options
    this.#untold = new Untold(level, {
      start: UNTOLD_START,
      tell: async ({ is, place, n, trace }) => {
        const envelope = await this.#writes.read<KeptEnvelope>(envelopeKey(place))
        const record = await this.#writes.read<StatusRecord>(recordKey(place, n))
        if (envelope !== undefined && record !== undefined) await tell({ is, place, envelope, record, trace })
      },
      onCorrupt
    })
  }

  /** Opens what is there, and tells the audit log what it was not told before a crash. */
  static async open(level: Level, options: EnvelopeStoreOptions): Promise<EnvelopeStore> {
    const writes = await GroupWrites.open(level, { ...options, countKey: BYTES })
    const store = new EnvelopeStore(level, writes, options)
    await store.#untold.tellAll()
    return store
  }

  /** Whether there is no room for what is to be written. */
  get isFull(): boolean {
    return this.#writes.isFull
  }

  /**
   * Keeps an envelope with what was decided of it, or finds it kept already. `posted` is what the client has sent of it.
   * @throws EnvelopeRefusal `conflict` where its id is that of another, `bad_transition` for a decision that is none, OapError
   * `storage_full`
   */
  async create(
    envelope: NewEnvelope,
    posted: SomeImmutable = envelope.immutable
  ): Promise<{ readonly isNew: boolean; readonly stored: StoredEnvelope }> {
    const { immutable, sha256, proofs, origin, trace, status, meta, at, by, decision } = envelope
    const written = await this.#writes.run(async rows => {
      const known = await stored(rows, await rows.get<number>(placeKey(immutable.id)))
      if (known !== undefined) {
        if (!isRepostOf(posted, known)) throw idTaken(immutable.id)
        return { isNew: false, stored: known }
      }
      const numbers = (await rows.get<Numbers>(NUMBERS)) ?? NO_NUMBERS
      const place = numbers.place + 1
      rows.put(NUMBERS, { ...numbers, place })
      const kept: KeptEnvelope = { immutable, sha256, proofs, ...(origin !== undefined && { origin }) }
      const record = firstRecord(sha256, { status, meta, at, by })
      rows.put(envelopeKey(place), kept)
      rows.put(placeKey(immutable.id), place)
      for (const index of ['thread', 'from', 'to'] as const) {
        const value = immutable[index]
        if (value !== undefined) rows.put(indexKey(index, value, place), true)
      }
      const isDecided = decision !== undefined && decision.status !== status
      const latest = isDecided ? nextRecord(record, decision) : record
      await this.#note(rows, { ...kept, place, latest: record }, undefined, { trace })
      if (isDecided) await this.#note(rows, { ...kept, place, latest }, record, { trace })
      rows.put(indexKey('status', latest.status, place), true)
      rows.grow(bytesOf(kept))
      return { isNew: true, stored: { ...kept, place, latest } }
    })
    if (written.isNew) this.#o.onLeaving?.()
    await this.told(written.stored.place)
    return written
  }

  /**
   * Changes the status or what stands beside it; nothing where neither is another. Undefined for an unknown id.
   * @throws EnvelopeRefusal `bad_transition`
   */
  async change(
    id: string,
    change: Partial<Pick<StatusRecord, 'status' | 'meta'>> & Pick<StatusRecord, 'at' | 'by'>,
    { note, isBeyondBound, trace, ...options }: ChangeOptions = {}
  ): Promise<StoredEnvelope | undefined> {
    const job = async (rows: Rows): Promise<StoredEnvelope | undefined> => {
      const known = await stored(rows, await rows.get<number>(placeKey(id)))
      if (known === undefined) return undefined
      const { place, latest } = known
      const record = nextRecord(latest, { ...(note && { meta: note(latest.meta) }), ...change }, options)
      if (record.status === latest.status && change.meta === undefined) return known
      if (record.status !== latest.status) {
        rows.remove(indexKey('status', latest.status, place))
        rows.put(indexKey('status', record.status, place), true)
      }
      const stands: StoredEnvelope = { ...known, latest: record }
      await this.#note(rows, stands, latest, { trace })
      return stands
    }
    const changed = await this.#writes.run(job, { isBeyondBound })
    if (changed === undefined) return undefined
    this.#o.onLeaving?.()
    await this.told(changed.place)
    return changed
  }

  /**
   * Takes payload, proofs and all that stood beside an envelope away for good, and says so in its chain; nothing where it was
   * redacted before. Undefined for an unknown id.
   * @throws what `withdraw` throws: then it is redacted, and other hubs are given no more of it later
   */
  async redact(
    id: string,
    {
      trace,
      ...redaction
    }: Pick<StatusRecord, 'meta' | 'at' | 'by'> & { readonly trace?: string | undefined }
  ): Promise<StoredEnvelope | undefined> {
    const job = async (rows: Rows): Promise<StoredEnvelope | undefined> => {
      const known = await stored(rows, await rows.get<number>(placeKey(id)))
      if (known === undefined || known.isRedacted === true) return known
      const { place, latest: before, sha256, origin } = known
      const { payload: _, ...immutable } = known.immutable
      const kept: KeptEnvelope = {
        immutable,
        sha256,
        proofs: [],
        isRedacted: true,
        ...(origin !== undefined && { origin })
      }
      const latest = nextRecord(before, redaction)
      rows.put(envelopeKey(place), kept)
      rows.grow(bytesOf(kept) - bytesOf(known))
      await this.#note(rows, { ...kept, place, latest }, before, { is: 'redacted', trace })
      // What was to go to other hubs goes nowhere any more.
      rows.remove(leavingKey(place))
      rows.put(withdrawnKey(place), sha256)
      this.#withdraw(place)
      redactRecords(rows, place, latest.n)
      return { ...kept, place, latest }
    }
    const redacted = await this.#writes.run(job, { isBeyondBound: true })
    if (redacted === undefined) return undefined
    await this.#tidy(redacted.place)
    await this.told(redacted.place)
    try {
      await this.#withdrawFromHubs(redacted.place)
    } catch (error) {
      this.#isWithdrawing = true
      this.#o.onLeaving?.()
      throw error
    }
    return redacted
  }

  /** @see Shelved.newestFrom */
  async newestFrom(count: number): Promise<number> {
    return await placeBelowNewest(this.#level, between(startOf.envelopes), count)
  }

  /** @see Shelved.removeOld */
  async removeOld(cut: Cut, after: number, withBatch: WithBatch): Promise<RemovedBatch> {
    const range = beyond(startOf.envelopes, { after, isAscending: true })
    const keys = await this.#level.keys<string>({ ...range, limit: REMOVED_AT_ONCE }).all()
    const rows = this.#read()
    const { old, next } = await oldBeyond(keys.map(placeIn), cut, async place => {
      const item = await stored(rows, place)
      const first = item && (await rows.get<StatusRecord>(recordKey(place, 0)))
      return item && { item, at: first?.at ?? item.latest.at }
    })
    // What is gone can be told to nobody.
    for (const { place } of old) await this.told(place)
    const removed = await this.#writes.run(
      async inJob => {
        let [items, bytes] = [0, 0]
        for (const { item } of old) {
          this.#withdraw(item.place)
          const freed = await removeEnvelope(inJob, item)
          if (freed > 0) items++
          bytes += freed
        }
        if (items > 0) withBatch(inJob, { items, bytes })
        return { items, bytes }
      },
      { isBeyondBound: true }
    )
    for (const { place } of old) await this.#tidy(place, withBatch)
    return { ...removed, next }
  }

  /** Ends what a crash has left of removing and redacting. */
  async settle({
    signal,
    withBatch
  }: {
    readonly signal?: AbortSignal | undefined
    readonly withBatch?: WithBatch | undefined
  } = {}): Promise<void> {
    for (const key of await this.#level.keys<string>(between(startOf.rests)).all()) {
      if (signal?.aborted === true) return
      await this.#tidy(placeIn(key), withBatch)
    }
  }

  /** Resolves once the audit log has all that became of the envelope of a place. */
  async told(place: number): Promise<void> {
    await this.#untold.tell(sortable(place))
  }

  /** Envelopes that are to go to other hubs, as many as asked for, in the order in which they were stored, behind a place. */
  async leaving(after: number, limit: number): Promise<readonly Leaving[]> {
    const range = beyond(startOf.leaving, { after, isAscending: true })
    const rows = await this.#level.iterator<string, Uint8Array>({ ...range, limit }).all()
    return rows.map(([key, bytes]) => {
      const trace = unsealJson<string | null>(key, bytes) ?? undefined
      return { place: placeIn(key), key, trace }
    })
  }

  /** Has other hubs given no more of what was redacted, where a crash or an error has kept that from being done. */
  async withdrawRest(): Promise<void> {
    if (!this.#isWithdrawing) return
    this.#isWithdrawing = false
    try {
      for (const key of await this.#level.keys<string>(between(startOf.withdrawn)).all())
        await this.#withdrawFromHubs(placeIn(key))
    } catch (error) {
      this.#isWithdrawing = true
      throw error
    }
  }

  /** To be asked before an envelope is read to be sent, so that none goes out that was withdrawn meanwhile. */
  goingOut(place: number): GoingOut {
    const all = this.#out.get(place) ?? new Set()
    const over = (): void => {
      all.delete(out)
      if (all.size === 0 && this.#out.get(place) === all) this.#out.delete(place)
    }
    const out = { isWithdrawn: false, over }
    this.#out.set(place, all.add(out))
    return out
  }

  #withdraw(place: number): void {
    for (const out of this.#out.get(place) ?? []) out.isWithdrawn = true
  }

  async #withdrawFromHubs(place: number): Promise<void> {
    const key = withdrawnKey(place)
    const sha256 = await this.#writes.read<string>(key)
    if (sha256 === undefined) return
    await this.#o.withdraw?.(sha256)
    await this.#level.del(key)
  }

  /** The envelope of a place. */
  async at(place: number): Promise<StoredEnvelope | undefined> {
    return await stored(this.#read(), place)
  }

  /** Nothing of a place goes out any more. Not durable: what is not there goes nowhere the next time, too. */
  async stays({ key }: Leaving): Promise<void> {
    await this.#level.del(key)
  }

  async get(id: string): Promise<StoredEnvelope | undefined> {
    const rows = this.#read()
    return await stored(rows, await rows.get<number>(placeKey(id)))
  }

  /** All records of an envelope, the first first. */
  async records(place: number): Promise<readonly StatusRecord[]> {
    const found = await this.#level.iterator<string, Uint8Array>(recordsOf(place)).all()
    return found.flatMap(([key, bytes]) => unsealJson<StatusRecord>(key, bytes) ?? [])
  }

  /** A page of envelopes beyond a place, by place. It may have fewer than asked for and go on all the same. */
  async list(
    filter: EnvelopeFilter,
    {
      after,
      limit,
      isAscending
    }: { readonly after?: number | undefined; readonly limit: number; readonly isAscending: boolean }
  ): Promise<EnvelopePage> {
    const index = BY_CHOICE.find(name => filter[name] !== undefined)
    const start = index === undefined ? startOf.envelopes : startOf.index(index, filter[index]!)
    const rows = this.#read()
    const items: StoredEnvelope[] = []
    let [lookedAt, last, bytes] = [0, after, 0]
    const keys = this.#level.keys<string>({ ...beyond(start, { after, isAscending }), reverse: !isAscending })
    try {
      for await (const key of keys) {
        const isWhole = items.length === limit || bytes >= MAX_PAGE_BYTES
        if (isWhole || lookedAt++ === MOST_LOOKED_AT) return { items, next: last }
        last = placeIn(key)
        const one = await stored(rows, last)
        if (one === undefined || !isWithin(one, filter)) continue
        items.push(one)
        bytes += JSON.stringify(one).length
      }
    } finally {
      await keys.close()
    }
    return { items, next: undefined }
  }

  /** Threads, the one that changed last first, from before a change. */
  async threads({
    before,
    limit
  }: {
    readonly before?: number | undefined
    readonly limit: number
  }): Promise<readonly Thread[]> {
    const range = beyond(startOf.updates, { after: before, isAscending: false })
    const found = await this.#level.iterator<string, Uint8Array>({ ...range, reverse: true, limit }).all()
    const threads = await Promise.all(
      found.map(([key, bytes]) => this.#writes.read<Thread>(threadKey(unsealJson<string>(key, bytes) ?? '')))
    )
    return threads.filter(thread => thread !== undefined)
  }

  async idle(): Promise<void> {
    await this.#writes.idle()
  }

  async #tidy(place: number, withBatch?: WithBatch): Promise<void> {
    const job = async (rows: Rows): Promise<void> => {
      const bytes = await tidy(rows, place)
      if (bytes > 0) withBatch?.(rows, { items: 0, bytes })
    }
    while ((await this.#level.get(restKey(place))) !== undefined)
      await this.#writes.run(job, { isBeyondBound: true })
  }

  /** The newest record of an envelope, with the thread that it changes, and that the audit log is to be told. */
  async #note(
    rows: Rows,
    envelope: StoredEnvelope,
    before: StatusRecord | undefined,
    { trace, is = before === undefined ? 'created' : 'updated' }: Noting = {}
  ): Promise<void> {
    const { place, latest, origin } = envelope
    const { n, status } = latest
    const isAccepted = status === 'accepted' && before?.status !== 'accepted'
    // What came from another hub is not sent on, nor is what was redacted.
    const mayLeave = origin === undefined && envelope.isRedacted !== true
    if (isAccepted && mayLeave && this.#o.goesOut?.(envelope) === true)
      rows.put(leavingKey(place), trace ?? null)
    const untold: UntoldRecord = { is, place, n, trace }
    rows.put(recordKey(place, n), latest)
    rows.put(latestKey(place), latest)
    rows.grow(2 * rowBytes(latest) - (before === undefined ? 0 : rowBytes(before)) + KEYS_BYTES)
    rows.put(this.#untold.key(sortable(place), n), untold)
    await noteThread(rows, envelope, before)
  }

  #read(): Pick<Rows, 'get'> {
    return { get: key => this.#writes.read(key) }
  }
}

const isWithin = (
  { immutable, latest }: StoredEnvelope,
  { thread, from, to, status }: EnvelopeFilter
): boolean =>
  (thread === undefined || immutable.thread === thread) &&
  (from === undefined || immutable.from === from) &&
  (to === undefined || immutable.to === to) &&
  (status === undefined || latest.status === status)
