import type { InboundBudget } from '../../protocols/index.ts'

/** Strangers together may hold a quarter of the node's budget, so that they cannot make others wait. */
const STRANGERS_PART = 4
/** What a connection may always hold: those who hold much cannot make one wait that holds next to nothing. */
const SMALL_HOLDING_BYTES = 16_384

interface Wish {
  readonly wake: () => void
  readonly bytes: number
}

/** Bytes that wait to be understood or handled, of many holders; a listener hears once when there is room for it. */
export class BytePool {
  readonly #maxBytes: number
  #held = 0
  readonly #waiting = new Set<Wish>()
  #isWaking = false

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
    this.#wakeNext()
  }

  /** Wakes once there is room, in the order of asking. */
  onRoom(wish: Wish): void {
    this.#waiting.add(wish)
  }

  forget(wish: Wish): void {
    if (this.#waiting.delete(wish)) this.#wakeNext()
  }

  /** One at a time: what the one woken takes, or leaves, decides about the next. */
  #wakeNext(): void {
    if (this.#isWaking || this.isSpent) return
    for (const next of this.#waiting) {
      if (this.#held > 0 && !this.fits(next.bytes)) return
      this.#waiting.delete(next)
      this.#isWaking = true
      queueMicrotask(() => {
        this.#isWaking = false
        next.wake()
        this.#wakeNext()
      })
      return
    }
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
  readonly #waiting = new Map<() => void, Wish>()
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
    if (this.#own.heldBytes < SMALL_HOLDING_BYTES) this.#wakeAll()
    if (this.#countedAsStranger) this.review()
  }

  onRoom(listener: () => void, bytes = 1): void {
    const pool = this.#without(bytes) ?? this.#blocking()
    const wish = {
      bytes,
      wake: () => {
        if (this.#waiting.get(listener) !== wish) return
        this.forget(listener)
        listener()
      }
    }
    this.forget(listener)
    this.#waiting.set(listener, wish)
    // Never in this turn: whoever asks again and again would keep the event loop for itself.
    if (pool === undefined) setImmediate(wish.wake)
    else pool.onRoom(wish)
  }

  forget(listener: () => void): void {
    const wish = this.#waiting.get(listener)
    if (wish === undefined) return
    this.#waiting.delete(listener)
    for (const pool of [this.#own, this.#node.strangers, this.#node.all]) pool.forget(wish)
  }

  /**
   * Counts what the connection holds as what it is now. To be called when one becomes a stranger's again; that it is known
   * shows at the next release, too.
   */
  review(): void {
    const isStranger = this.#isStranger()
    if (isStranger === this.#countedAsStranger) return
    this.#countedAsStranger = isStranger
    if (isStranger) {
      this.#node.strangers.hold(this.#own.heldBytes)
    } else {
      this.#node.strangers.release(this.#own.heldBytes)
      this.#wakeAll()
    }
  }

  #wakeAll(): void {
    for (const { wake } of this.#waiting.values()) queueMicrotask(wake)
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
