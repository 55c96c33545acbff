import { OapError } from '../../protocols/index.ts'
import type { ItemKind } from '../../federation/index.ts'
import { auditEvent } from '../audit/index.ts'
import type { AuditEvent, EventData } from '../audit/index.ts'
import { InTurn } from '../capabilities/in-turn.ts'
import type { By } from '../capabilities/index.ts'
import type { Level } from '../stores/level.ts'
import type { Judged, KeepsItems } from './judging.ts'
import { type Kept, KeptRows } from './kept-rows.ts'
import { QUARANTINE, Room } from './room.ts'
import type { RoomBounds } from './room.ts'
import type { DeliverReleased, Item } from './types.ts'

/** So many items leave by age in one turn, so that a release waits for no more. */
const EXPIRE_AT_ONCE = 100
const DELIVER_MS = 30_000
const IS_ID = /^[0-9a-f]{64}$/
const NODE: By = { actor: 'node' }

export interface QuarantineOptions {
  readonly bounds: RoomBounds
  readonly keptMs?: number
  /** Resolves once the event would survive a power cut. */
  readonly record: (event: AuditEvent) => Promise<unknown>
  /** Unix time in milliseconds. */
  readonly now: () => number
  /** Ms of a clock that nobody sets; what is too old by `now` leaves once it was so for `QUARANTINE.graceMs` by this one. */
  readonly steadyMs?: () => number
  /** Hears how many items are too old and will leave. */
  readonly onOver?: (items: number) => void
  /** How long a delivery may hold up all others; one that comes to its end later changes nothing. */
  readonly deliverMs?: number
  /** Hears of a row or item that is damaged, and is gone. */
  readonly onDamaged?: (id: string) => void
  /** Hears of a release that was under way in a crash and failed again. */
  readonly onFailed?: (id: string, error: unknown) => void
}

/**
 * Items that were neither accepted nor rejected. None leaves but by an operator, or by age. What is kept, released and
 * rejected is durable before it is answered; a release is recorded before the item is delivered, and is made again after
 * a crash.
 */
export class Quarantine implements KeepsItems {
  readonly #o: QuarantineOptions
  readonly #rows: KeptRows
  readonly #kept = new Map<string, Kept>()
  readonly #room: Room
  readonly #turns = new InTurn()
  /** Items that are too old, with since when that is known by the steady clock. */
  readonly #over = new Map<string, number>()
  readonly #deliver = new Map<ItemKind, DeliverReleased>()
  /** Items whose release waits for its turn again. */
  readonly #resuming = new Set<string>()

  private constructor(level: () => Level, options: QuarantineOptions) {
    this.#o = options
    this.#rows = new KeptRows(level)
    this.#room = new Room(options.bounds)
  }

  static async open(level: () => Level, options: QuarantineOptions): Promise<Quarantine> {
    const quarantine = new Quarantine(level, options)
    for (const { id, kept } of await quarantine.#rows.all()) {
      if (kept !== undefined) quarantine.#add(kept)
      else await quarantine.#damaged(id)
    }
    return quarantine
  }

  get items(): number {
    return this.#kept.size
  }

  /** Of statements and bodies. */
  get bytes(): number {
    return this.#room.bytes
  }

  /** All items, the oldest first. */
  list(): readonly Kept[] {
    return [...this.#kept.values()].sort(
      (a, b) => a.kept_at - b.kept_at || (a.evidence.id < b.evidence.id ? -1 : 1)
    )
  }

  /** Throws `not_found` with the way out. */
  find(id: string): Kept {
    const kept = this.#kept.get(id)
    if (kept !== undefined) return kept
    throw new OapError('not_found', `item ${id}: is not in quarantine; see federation quarantine list`)
  }

  kept(id: string): Judged | undefined {
    return this.#kept.get(id)
  }

  reserve(origin: string, bytes: number): ReturnType<KeepsItems['reserve']> {
    if (!this.#room.has(origin, bytes)) return { retryAfterMs: QUARANTINE.retryMs }
    this.#room.take(origin, bytes)
    return { release: () => this.#room.give(origin, bytes) }
  }

  async keep({ evidence, record }: Judged, item: Item): Promise<void> {
    const kept = { evidence, record, kept_at: this.#o.now(), releasing: false }
    this.#add(await this.#rows.add(kept, item))
  }

  onRelease(kind: ItemKind, deliver: DeliverReleased): void {
    this.#deliver.set(kind, deliver)
    this.resume()
  }

  /** Makes releases again that a crash, or an error, has cut short. */
  resume(): void {
    for (const { evidence, releasing } of this.#kept.values()) {
      const { id, kind } = evidence
      if (!releasing || !this.#deliver.has(kind) || this.#resuming.has(id)) continue
      this.#resuming.add(id)
      this.#turns
        .run(() => this.#finish(id))
        .catch((error: unknown) => this.#o.onFailed?.(id, error))
        .finally(() => this.#resuming.delete(id))
    }
  }

  /**
   * Delivers an item and lets it go. Throws `not_found`; `conflict` while nobody takes its kind, and with the reason when
   * it could not be delivered: the release holds, and is tried again.
   */
  release(id: string, by: By): Promise<Kept> {
    return this.#turns.run(async () => {
      const kept = this.find(id)
      if (!this.#deliver.has(kept.evidence.kind))
        throw new OapError('conflict', `item ${id}: this node takes no items of kind ${kept.evidence.kind}`)
      if (!kept.releasing) {
        await this.#record(kept, 'release', by)
        this.#kept.set(id, await this.#marked(kept))
      }
      await this.#finish(id)
      return kept
    })
  }

  /** Drops an item; one that was released may have been delivered, and is recorded so. Throws `not_found`. */
  reject(id: string, by: By): Promise<Kept> {
    return this.#turns.run(async () => {
      const kept = this.find(id)
      await this.#record(kept, 'reject', by)
      await this.#drop(kept)
      return kept
    })
  }

  /**
   * Drops what is too old and was not released, some at a time; for a timer. Yields how many. A clock that jumps ahead and
   * is set right again within the grace takes nothing.
   */
  expire(): Promise<number> {
    return this.#turns.run(async () => {
      const old = this.#leaving().slice(0, EXPIRE_AT_ONCE)
      for (const kept of old) {
        await this.#record(kept, 'expire', NODE)
        await this.#drop(kept)
      }
      return old.length
    })
  }

  /** What is too old, and was so for the grace. */
  #leaving(): readonly Kept[] {
    const { now, keptMs = QUARANTINE.keptMs, steadyMs, onOver } = this.#o
    const before = now() - keptMs
    const over = this.list().filter(({ kept_at, releasing }) => kept_at <= before && !releasing)
    if (steadyMs === undefined) return over
    const nowMs = steadyMs()
    const ids = new Set(over.map(({ evidence: { id } }) => id))
    for (const id of this.#over.keys()) if (!ids.has(id)) this.#over.delete(id)
    const found = [...ids].filter(id => !this.#over.has(id))
    for (const id of found) this.#over.set(id, nowMs)
    if (found.length > 0) onOver?.(found.length)
    return over.filter(({ evidence: { id } }) => nowMs - this.#over.get(id)! >= QUARANTINE.graceMs)
  }

  /** Delivers an item whose release is durable. One that is gone was delivered in an earlier turn. */
  async #finish(id: string): Promise<void> {
    const kept = this.#kept.get(id)
    const deliver = kept && this.#deliver.get(kept.evidence.kind)
    if (kept === undefined || deliver === undefined) return
    const item = await this.#rows.item(kept)
    if (item === undefined) {
      await this.#damaged(id, kept)
      throw new OapError('conflict', `item ${id}: was damaged on the disk and is gone`, { code: 'damaged' })
    }
    const { standing: _, ...evidence } = kept.evidence
    try {
      await within(deliver({ evidence, ...item }), this.#o.deliverMs ?? DELIVER_MS)
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause)
      throw new OapError('conflict', `item ${id}: is released and not delivered yet: ${why}`, { cause })
    }
    await this.#drop(kept)
  }

  async #marked(kept: Kept): Promise<Kept> {
    const marked = { ...kept, releasing: true }
    await this.#rows.change(marked)
    return marked
  }

  async #record(
    { evidence: { id, origin }, releasing }: Kept,
    change: EventData<'quarantine'>['change'],
    { actor, ...ids }: By
  ): Promise<void> {
    await this.#o.record(
      auditEvent('quarantine', actor, { id, origin, change, ...(releasing && { released: true }) }, ids)
    )
  }

  #add(kept: Kept): void {
    this.#kept.set(kept.evidence.id, kept)
    this.#room.take(kept.evidence.origin, kept.bytes)
  }

  async #drop({ evidence: { id, origin }, bytes }: Kept): Promise<void> {
    await this.#rows.remove(id)
    this.#kept.delete(id)
    this.#room.give(origin, bytes)
  }

  async #damaged(id: string, kept?: Kept): Promise<void> {
    if (kept !== undefined) {
      await this.#record(kept, 'damaged', NODE)
      await this.#drop(kept)
    } else {
      if (IS_ID.test(id)) await this.#o.record(auditEvent('quarantine', 'node', { id, change: 'damaged' }))
      await this.#rows.remove(id)
    }
    this.#o.onDamaged?.(id)
  }
}

async function within(work: Promise<void>, ms: number): Promise<void> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(
    () => late.reject(new OapError('deadline', `not delivered in ${ms} ms`)),
    ms
  ).unref()
  try {
    await Promise.race([work, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
