import { randomBytes } from 'node:crypto'
import { OapError, chainKey } from '../../protocols/index.ts'
import { nodeMacaroonCrypto } from '../macaroon-crypto.ts'

export const ROOT_KEY_BYTES = 32
/** Keys held at one time, the current one included. */
export const MAX_ROOT_KEYS = 64
export const DEFAULT_GRACE_MS = 48 * 3_600_000
export const MAX_GRACE_MS = 366 * 86_400_000

export interface RootKey {
  /** Counts upwards from 1. */
  readonly kid: number
  readonly key: Uint8Array
}

/** A key that mints no more. Tokens under it are good until `until`, in milliseconds since 1970. */
export interface GraceKey extends RootKey {
  readonly until: number
}

/** The root keys of a hub. */
export interface Ring {
  readonly current: RootKey
  /** By kid, lowest first. */
  readonly grace: readonly GraceKey[]
}

export interface RotateOptions {
  /** How long tokens under the key before it are still good. */
  readonly graceMs?: number
  /** Every other key is gone at once, those in grace too. */
  readonly breakGlass?: boolean
}

export interface Rotation {
  readonly kid: number
  readonly previous: number
  /** When the key before it ends, in milliseconds since 1970; undefined when it has ended. */
  readonly graceUntil: number | undefined
}

type RandomBytes = (length: number) => Uint8Array

export const newRing = (random: RandomBytes = randomBytes): Ring => ({
  current: { kid: 1, key: Uint8Array.from(random(ROOT_KEY_BYTES)) },
  grace: []
})

/** The ring with a new current key. */
function rotated({ current, grace }: Ring, key: Uint8Array, now: number, graceMs: number): Ring {
  const kept = [...grace, { ...current, until: now + graceMs }].filter(({ until }) => until > now)
  return { current: { kid: current.kid + 1, key }, grace: kept }
}

/** The ring without the keys whose grace is over; the same one when there are none. */
export function withoutExpired(ring: Ring, now: number): Ring {
  const kept = ring.grace.filter(({ until }) => until > now)
  return kept.length === ring.grace.length ? ring : { ...ring, grace: kept }
}

/**
 * The root keys with which a hub mints and verifies. A change is kept by `save` before it takes effect here. Whoever
 * can read them can mint whatever this hub accepts.
 */
export class KeyRing {
  readonly #save: (ring: Ring) => Promise<void>
  readonly #random: RandomBytes
  #ring: Ring
  #held: ReadonlyMap<number, Held>

  /** Changes must come one after the other. */
  constructor(ring: Ring, save: (ring: Ring) => Promise<void>, random: RandomBytes = randomBytes) {
    this.#ring = ring
    this.#held = held(ring)
    this.#save = save
    this.#random = random
  }

  get current(): number {
    return this.#ring.current.kid
  }

  /** The `chainKey` of the key under which tokens are minted. */
  get currentChainKey(): Uint8Array {
    return this.#held.get(this.current)!.chain
  }

  /** The root key of a kid; undefined when it is not held, or its grace is over. */
  keyOf(kid: number, now: number): Uint8Array | undefined {
    return this.#at(kid, now)?.key
  }

  /** The `chainKey` of a kid, likewise. */
  chainKeyOf(kid: number, now: number): Uint8Array | undefined {
    return this.#at(kid, now)?.chain
  }

  #at(kid: number, now: number): Held | undefined {
    const found = this.#held.get(kid)
    return found !== undefined && now < found.until ? found : undefined
  }

  /**
   * Puts a new key in the place of the current one. Resolves once that would survive a power cut.
   * Throws `bad_request`; `conflict` when too many keys are in grace.
   */
  async rotate(
    now: number,
    { graceMs = DEFAULT_GRACE_MS, breakGlass = false }: RotateOptions = {}
  ): Promise<Rotation> {
    if (!Number.isInteger(graceMs) || graceMs < 0 || graceMs > MAX_GRACE_MS)
      throw new OapError('bad_request', `grace: from 0 to ${MAX_GRACE_MS / 86_400_000} days`)
    const key = Uint8Array.from(this.#random(ROOT_KEY_BYTES))
    const next = rotated(this.#ring, key, now, graceMs)
    if (breakGlass) await this.#become({ current: next.current, grace: [] })
    else if (next.grace.length >= MAX_ROOT_KEYS)
      throw new OapError('conflict', `${next.grace.length} root keys are in grace: wait, or break the glass`)
    else await this.#become(next)
    const previous = next.current.kid - 1
    return { kid: next.current.kid, previous, graceUntil: this.#ring.grace.find(isKid(previous))?.until }
  }

  /** Drops the keys whose grace is over, so that nobody finds them later. Yields whether there were any. */
  async forgetExpired(now: number): Promise<boolean> {
    const next = withoutExpired(this.#ring, now)
    if (next === this.#ring) return false
    await this.#become(next)
    return true
  }

  async #become(ring: Ring): Promise<void> {
    await this.#save(ring)
    this.#ring = ring
    this.#held = held(ring)
  }
}

interface Held {
  readonly key: Uint8Array
  readonly chain: Uint8Array
  readonly until: number
}

const isKid =
  (wanted: number) =>
  ({ kid }: RootKey): boolean =>
    kid === wanted

const held = ({ current, grace }: Ring): ReadonlyMap<number, Held> =>
  new Map(
    [...grace, { ...current, until: Infinity }].map(({ kid, key, until }) => [
      kid,
      { key, chain: chainKey(nodeMacaroonCrypto, key), until }
    ])
  )
