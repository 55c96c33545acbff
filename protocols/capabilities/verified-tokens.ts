import { MAX_TOKEN_BYTES } from './macaroon.ts'
import { verifyToken } from './verify.ts'
import type { Verifying } from './verify.ts'
import type { VerifiedToken } from './verified-token.ts'

export const MAX_VERIFIED_MS = 30_000
const DEFAULT_CAPACITY = 1024

export interface VerifiedTokensOptions extends Verifying {
  /** Tokens that are remembered at most. */
  readonly capacity?: number
  /** Milliseconds for which one is remembered, at most 30,000. */
  readonly maxAgeMs?: number
}

interface Entry {
  readonly token: VerifiedToken
  readonly at: number
}

/**
 * Verifies tokens and remembers those whose chain was whole, the least recently used forgotten first. A revocation,
 * and a root key that comes or goes, must `flush` it. It holds no tokens, only digests and what was read.
 */
export class VerifiedTokens {
  readonly #verifying: Verifying
  readonly #capacity: number
  readonly #maxAgeMs: number
  readonly #entries = new Map<string, Entry>()

  constructor({
    capacity = DEFAULT_CAPACITY,
    maxAgeMs = MAX_VERIFIED_MS,
    ...verifying
  }: VerifiedTokensOptions) {
    this.#verifying = verifying
    this.#capacity = capacity
    this.#maxAgeMs = Math.min(maxAgeMs, MAX_VERIFIED_MS)
  }

  get size(): number {
    return this.#entries.size
  }

  /** As `verifyToken`; `now` in milliseconds that never go back. */
  verify(bytes: Uint8Array, now: number): VerifiedToken {
    if (bytes.length > MAX_TOKEN_BYTES) return verifyToken(bytes, this.#verifying)
    const digest = String.fromCharCode(...this.#verifying.crypto.sha256(bytes))
    const known = this.#entries.get(digest)
    this.#entries.delete(digest)
    const isFresh = known !== undefined && now - known.at < this.#maxAgeMs
    const entry = isFresh ? known : { token: verifyToken(bytes, this.#verifying), at: now }
    this.#entries.set(digest, entry)
    if (this.#entries.size > this.#capacity) this.#entries.delete(this.#entries.keys().next().value!)
    return entry.token
  }

  flush(): void {
    this.#entries.clear()
  }
}
