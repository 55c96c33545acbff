import { randomFillSync } from 'node:crypto'
import type { Place } from '../stores/mailbox/types.ts'

/** What a lease token carries. @see specs/mailbox.md, section 4.2 */
export interface LeaseToken {
  /** Counts the starts of the node. */
  readonly boot: number
  readonly attempt: number
  /** Digest of the message's place: tells a token of another message, protects nothing. */
  readonly key: string
  /** Drawn at random for each lease: this is what cannot be guessed. */
  readonly nonce: string
}

const TOKEN = /^([1-9]\d{0,15})\.([1-9]\d{0,8})\.([0-9a-f]{8})([0-9a-f]{16})$/
const NONCE_BYTES = 8
const POOL_BYTES = 4096
const FNV_OFFSET = 0x811c9dc5
const FNV_PRIME = 0x01000193

export const formatLease = ({ boot, attempt, key, nonce }: LeaseToken): string =>
  `${boot}.${attempt}.${key}${nonce}`

/** Undefined for a text that is no lease token. */
export function parseLease(text: string): LeaseToken | undefined {
  const [, boot, attempt, key, nonce] = TOKEN.exec(text) ?? []
  if (nonce === undefined || !Number.isSafeInteger(Number(boot))) return undefined
  return { boot: Number(boot), attempt: Number(attempt), key: key!, nonce }
}

/** 8 hex digits: FNV-1a of tenant, topic, priority and id with line feeds between. All of them are ASCII. */
export function placeDigest({ tenant, topic, priority, id }: Place): string {
  if (last.topic !== topic || last.tenant !== tenant)
    last = { tenant, topic, hash: fnv(`${tenant}\n${topic}\n`, FNV_OFFSET) }
  const hash = fnv(id, fnv('\n', fnv(String(priority), last.hash)))
  return (hash >>> 0).toString(16).padStart(8, '0')
}

/** The topic asked about last, and the hash of what comes before a place in it: leases are given and judged in rows. */
let last = { tenant: '', topic: '', hash: fnv('\n\n', FNV_OFFSET) }

/** FNV-1a of a text behind one that is hashed already. */
function fnv(text: string, before: number): number {
  let hash = before
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), FNV_PRIME)
  return hash
}

/** Draws nonces from a pool, since asking the system for eight bytes at a time costs more than a lease. */
export class Nonces {
  readonly #pool = Buffer.allocUnsafe(POOL_BYTES)
  #at = POOL_BYTES

  next(): string {
    if (this.#at === POOL_BYTES) {
      randomFillSync(this.#pool)
      this.#at = 0
    }
    const nonce = this.#pool.toString('hex', this.#at, this.#at + NONCE_BYTES)
    this.#at += NONCE_BYTES
    return nonce
  }
}
