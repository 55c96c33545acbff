import type { StoredMessage } from '../stores/mailbox/types.ts'
import { comesBefore, spotBefore, spotOf } from './place.ts'
import type { Spot } from './place.ts'

export interface WindowBounds {
  readonly messages: number
  readonly bytes: number
}

export const WINDOW_BOUNDS: WindowBounds = { messages: 512, bytes: 1_310_720 }

/** What a read of the store is to begin after; undefined for the beginning. */
export interface ReadStart {
  readonly after: Spot | undefined
}

/** Where the first message of a priority is that is neither leased nor going: here, behind a spot in the store, or nowhere. */
export type First =
  | { readonly is: 'here'; readonly id: string }
  | { readonly is: 'behind'; readonly after: Spot | undefined }
  | { readonly is: 'nowhere' }

/** All ready messages at or before `edge` that are neither leased nor going; where it is whole, all there are. */
export interface Ahead {
  readonly items: readonly StoredMessage[]
  readonly edge: Spot | undefined
  readonly isWhole: boolean
}

/** What happened while a read was under way, and is not in what it yields. */
interface Reading {
  isStale: boolean
  /** The foremost message that became ready behind where the read began. */
  lowest: Spot | undefined
  readonly gone: Set<string>
}

/**
 * The foremost ready messages of one topic, read ahead. What it promises: every message that is ready in the store and
 * stands at or before its edge is here, or leased; when it is whole, so is every other. It holds at most its bounds, and
 * what falls out behind moves the edge forward, to be read again.
 */
export class ReadyWindow {
  readonly #bounds: WindowBounds
  #items: StoredMessage[] = []
  #bytes = 0
  /** Undefined: nothing is promised yet. */
  #edge: Spot | undefined
  #isWhole = false
  #reading: Reading | undefined

  constructor(bounds: WindowBounds = WINDOW_BOUNDS) {
    this.#bounds = bounds
  }

  get length(): number {
    return this.#items.length
  }

  get bytes(): number {
    return this.#bytes
  }

  /** True when the store has no ready message that is neither here nor leased. */
  get isWhole(): boolean {
    return this.#isWhole
  }

  get isReading(): boolean {
    return this.#reading !== undefined
  }

  /** A message became ready whose bytes are at hand. */
  add(message: StoredMessage): void {
    if (!this.#reaches(message)) return this.#noteBehind(message)
    const at = this.#indexOf(message)
    if (this.#items[at]?.id === message.id) return
    this.#items.splice(at, 0, message)
    this.#bytes += message.bytes
    this.#trim()
  }

  /** A message became ready that has to be read: the edge goes back to right before it. */
  expose(spot: Spot): void {
    if (!this.#reaches(spot)) return this.#noteBehind(spot)
    this.#cut(this.#indexOf(spot))
    this.#edge = spotBefore(spot)
    this.#isWhole = false
    if (this.#reading !== undefined) this.#reading.isStale = true
  }

  /** A message was removed, or is not ready any more. */
  remove(spot: Spot): void {
    this.#reading?.gone.add(spot.id)
    const at = this.#indexOf(spot)
    const found = this.#items[at]
    if (found?.id !== spot.id) return
    this.#items.splice(at, 1)
    this.#bytes -= found.bytes
  }

  /** True when `take` would yield as much as it is asked for. */
  fills(most: number, mostBytes: number): boolean {
    return this.#items.length >= most || this.#bytes >= mostBytes
  }

  /** Takes out the foremost messages, at least one if there is any. */
  take(most: number, mostBytes: number): StoredMessage[] {
    let bytes = 0
    let count = 0
    for (const message of this.#items) {
      if (count === most || (count > 0 && bytes + message.bytes > mostBytes)) break
      bytes += message.bytes
      count++
    }
    this.#bytes -= bytes
    return this.#items.splice(0, count)
  }

  /** Forgets everything that was read, to be read again. */
  clear(): void {
    this.#items = []
    this.#bytes = 0
    this.#edge = undefined
    this.#isWhole = false
    if (this.#reading !== undefined) this.#reading.isStale = true
  }

  get ahead(): Ahead {
    return { items: this.#items, edge: this.#edge, isWhole: this.#isWhole }
  }

  /** What need not be read to know which message of a priority is the first. */
  first(priority: number): First {
    const found = this.#items.find(item => item.priority === priority)
    if (found !== undefined) return { is: 'here', id: found.id }
    const edge = this.#edge
    if (this.#isWhole || (edge !== undefined && edge.priority < priority)) return { is: 'nowhere' }
    return { is: 'behind', after: edge?.priority === priority ? edge : undefined }
  }

  /** One read at a time; `endRead` must follow. */
  beginRead(): ReadStart {
    this.#reading = { isStale: false, lowest: undefined, gone: new Set() }
    return { after: this.#edge }
  }

  /** What the read yielded, undefined if it failed. Those that `isTaken` are passed over. */
  endRead(messages: readonly StoredMessage[] | undefined, isTaken: (id: string) => boolean): void {
    const { isStale, lowest, gone } = this.#reading!
    this.#reading = undefined
    if (isStale || messages === undefined) return
    for (const message of messages) {
      // Others may have become ready before it since the read began.
      if (lowest !== undefined && !comesBefore(message, lowest)) return
      this.#edge = spotOf(message)
      if (gone.has(message.id) || isTaken(message.id)) continue
      this.#items.push(message)
      this.#bytes += message.bytes
    }
    this.#isWhole = messages.length === 0 && lowest === undefined
  }

  #reaches(spot: Spot): boolean {
    return this.#isWhole || (this.#edge !== undefined && !comesBefore(this.#edge, spot))
  }

  #noteBehind(spot: Spot): void {
    const reading = this.#reading
    if (reading === undefined) return
    if (reading.lowest === undefined || comesBefore(spot, reading.lowest)) reading.lowest = spotOf(spot)
  }

  #trim(): void {
    const { messages, bytes } = this.#bounds
    let end = this.#items.length
    let left = this.#bytes
    while (end > 1 && (end > messages || left > bytes)) left -= this.#items[--end]!.bytes
    if (end === this.#items.length) return
    this.#cut(end)
    this.#edge = spotOf(this.#items[end - 1]!)
    this.#isWhole = false
    if (this.#reading !== undefined) this.#reading.isStale = true
  }

  #cut(from: number): void {
    for (const { bytes } of this.#items.splice(from)) this.#bytes -= bytes
  }

  /** Where a spot is among the messages, or would be. */
  #indexOf(spot: Spot): number {
    let low = 0
    let high = this.#items.length
    // Most that comes is new, and stands last.
    if (high > 0 && comesBefore(this.#items[high - 1]!, spot)) return high
    while (low < high) {
      const middle = (low + high) >> 1
      if (comesBefore(this.#items[middle]!, spot)) low = middle + 1
      else high = middle
    }
    return low
  }
}
