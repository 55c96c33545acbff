import type { InboundBudget } from '../../protocols/index.ts'

/** Strangers together may hold a quarter of the node's budget, so that they cannot make others wait. */
export const STRANGERS_PART = 4

/** Bytes that wait to be understood or handled, of many holders; listeners hear once when there is room again. */
export class BytePool {
  readonly #maxBytes: number
  #held = 0
  #waiting: (() => void)[] = []

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
    if (this.#waiting.length === 0 || this.isSpent) return
    const waiting = this.#waiting
    this.#waiting = []
    for (const wake of waiting) queueMicrotask(wake)
  }

  onRoom(listener: () => void): void {
    this.#waiting.push(listener)
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
    if (!this.#pools().every(pool => pool.fits(bytes) || pool.heldBytes === 0)) return false
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
    if (this.#countedAsStranger && !this.#isStranger()) this.promote()
  }

  onRoom(listener: () => void): void {
    const pool = this.#blocking() ?? this.#pools().find(({ heldBytes }) => heldBytes > 0)
    if (pool === undefined) queueMicrotask(listener)
    else pool.onRoom(listener)
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

  #blocking(): BytePool | undefined {
    if (this.#node.all.isSpent) return this.#node.all
    if (!this.#countedAsStranger) return undefined
    if (this.#own.isSpent) return this.#own
    return this.#node.strangers.isSpent ? this.#node.strangers : undefined
  }
}
