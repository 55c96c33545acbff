import type { InboundBudget } from '../../protocols/index.ts'

/** Strangers together may hold a quarter of the node's budget, so that they cannot make others wait. */
const STRANGERS_PART = 4
/** What a connection may always hold: those who hold much cannot make one wait that holds next to nothing. */
const SMALL_HOLDING_BYTES = 16_384

interface Waiting {
  readonly wake: () => void
  readonly bytes: number
}

/** Bytes that wait to be understood or handled, of many holders; a listener hears once when there is room for it. */
export class BytePool {
  readonly #maxBytes: number
  #held = 0
  #waiting: Waiting[] = []

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get heldBytes(): number {
    return this.#held
  }

  get isSpent(): boolean {
    return this.#held >= this.#maxBytes
  }

  fits(bytes: number): boolean {
    return this.#held + bytes <= this.#maxBytes
  }

  hold(bytes: number): void {
    this.#held += bytes
  }

  release(bytes: number): void {
    this.#held -= bytes
    if (this.#waiting.length > 0 && !this.isSpent) this.#wakeWhoFits()
  }

  onRoom(wake: () => void, bytes: number): void {
    this.#waiting.push({ wake, bytes })
  }

  /** Only as many as there is room for: to wake them all for each byte would cost more than the bytes do. */
  #wakeWhoFits(): void {
    let room = this.#maxBytes - this.#held
    const still: Waiting[] = []
    for (const waiting of this.#waiting) {
      const fits = waiting.bytes <= room || (this.#held === 0 && room === this.#maxBytes)
      if (fits && room > 0) {
        room -= waiting.bytes
        queueMicrotask(waiting.wake)
      } else still.push(waiting)
    }
    this.#waiting = still
  }
}

/** The pools of a node: one for all bytes, one for those of strangers. */
export class NodeBudget {
  readonly all: BytePool
  readonly strangers: BytePool

  constructor(maxBytes: number) {
    this.all = new BytePool(maxBytes)
    this.strangers = new BytePool(Math.floor(maxBytes / STRANGERS_PART))
  }
}

/**
 * What one connection holds of the node's budget. A stranger's own bound is `strangerBytes`; a single frame
 * is always let through to a holder of nothing, or a bound below max_frame would stop it for ever.
 */
export class ConnectionBudget implements InboundBudget {
  readonly #node: NodeBudget
  readonly #own: BytePool
  readonly #isStranger: () => boolean
  readonly #waiting = new Set<() => void>()
  #countedAsStranger: boolean

  constructor(node: NodeBudget, strangerBytes: number, isStranger: () => boolean) {
    this.#node = node
    this.#own = new BytePool(strangerBytes)
    this.#isStranger = isStranger
    this.#countedAsStranger = isStranger()
  }

  get heldBytes(): number {
    return this.#own.heldBytes
  }

  get isSpent(): boolean {
    return this.#blocking() !== undefined
  }

  reserve(bytes: number): boolean {
    if (this.#without(bytes) !== undefined) return false
    this.hold(bytes)
    return true
  }

  hold(bytes: number): void {
    this.#own.hold(bytes)
    this.#node.all.hold(bytes)
    if (this.#countedAsStranger) this.#node.strangers.hold(bytes)
  }

  release(bytes: number): void {
    if (this.#countedAsStranger) this.#node.strangers.release(bytes)
    this.#node.all.release(bytes)
    this.#own.release(bytes)
    if (this.#own.heldBytes < SMALL_HOLDING_BYTES) for (const wake of this.#waiting) queueMicrotask(wake)
    if (this.#countedAsStranger && !this.#isStranger()) this.promote()
  }

  onRoom(listener: () => void, bytes = 1): void {
    const pool = this.#without(bytes) ?? this.#blocking()
    if (pool === undefined) return queueMicrotask(listener)
    const once = (): void => {
      if (this.#waiting.delete(once)) listener()
    }
    this.#waiting.add(once)
    pool.onRoom(once, bytes)
  }

  /** The connection has shown who it is: what it holds no longer counts as strangers'. */
  promote(): void {
    if (!this.#countedAsStranger) return
    this.#countedAsStranger = false
    this.#node.strangers.release(this.#own.heldBytes)
  }

  #pools(): readonly BytePool[] {
    return this.#countedAsStranger ? [this.#own, this.#node.strangers, this.#node.all] : [this.#node.all]
  }

  /** The first pool that has no room for `bytes`. */
  #without(bytes: number): BytePool | undefined {
    if (this.#own.heldBytes + bytes <= SMALL_HOLDING_BYTES) return undefined
    return this.#pools().find(pool => !pool.fits(bytes) && pool.heldBytes > 0)
  }

  #blocking(): BytePool | undefined {
    if (this.#own.heldBytes < SMALL_HOLDING_BYTES) return undefined
    if (this.#node.all.isSpent) return this.#node.all
    if (!this.#countedAsStranger) return undefined
    if (this.#own.isSpent) return this.#own
    return this.#node.strangers.isSpent ? this.#node.strangers : undefined
  }
}
