import { HANDSHAKE } from './numbers.ts'

/**
 * The nonces that a node drew and was shown lately. Kept in memory alone: what is forgotten, by age, number or a
 * restart, lets nobody in, since every proof names a fresh nonce of its verifier.
 */
export class NonceMemory {
  readonly #most: number
  readonly #forMs: number
  readonly #own = new Map<string, number>()
  readonly #shown = new Map<string, number>()

  constructor({
    most = HANDSHAKE.noncesRemembered,
    forMs = HANDSHAKE.nonceMemoryMs
  }: { readonly most?: number; readonly forMs?: number } = {}) {
    this.#most = most
    this.#forMs = forMs
  }

  /** Remembers a nonce that this node drew. */
  drew(nonce: string, nowMs: number): void {
    this.#keep(this.#own, nonce, nowMs)
  }

  isOwn(nonce: string, nowMs: number): boolean {
    return isKept(this.#own, nonce, nowMs)
  }

  /** Remembers a nonce that a peer showed; false when it is known already. */
  take(nonce: string, nowMs: number): boolean {
    if (isKept(this.#shown, nonce, nowMs)) return false
    this.#keep(this.#shown, nonce, nowMs)
    return true
  }

  #keep(nonces: Map<string, number>, nonce: string, nowMs: number): void {
    nonces.delete(nonce)
    nonces.set(nonce, nowMs + this.#forMs)
    for (const [oldest, until] of nonces) {
      if (nonces.size <= this.#most && until > nowMs) break
      nonces.delete(oldest)
    }
  }
}

const isKept = (nonces: ReadonlyMap<string, number>, nonce: string, nowMs: number): boolean =>
  (nonces.get(nonce) ?? 0) > nowMs
