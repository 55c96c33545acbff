import { boundSignature, linkOfTwo } from './chain.ts'
import { NONCE_BYTES } from './macaroon.ts'
import type { Macaroon, RawCaveat, Token } from './macaroon.ts'
import type { MacaroonCrypto } from './macaroon-crypto.ts'

/** Stands in for a key that is not to be had, so that a wrong key costs the same work as the right one. */
export const STAND_IN_KEY = new Uint8Array(32)

/** What came out of computing the chain of a token from a key to its end. */
export interface Walked {
  /** The MAC up to and including each caveat, of the macaroon and then of each discharge that was asked for. */
  readonly links: ReadonlyMap<Macaroon, readonly Uint8Array[]>
  readonly isSigned: boolean
  /** Each third-party caveat has a discharge of its own, bound to this macaroon, and none is left over. */
  readonly isDischarged: boolean
}

/** Computes every link and compares every signature, whatever it finds on the way. */
export function walkToken(crypto: MacaroonCrypto, { macaroon, discharges }: Token, key: Uint8Array): Walked {
  const walk = new Walk(crypto, discharges)
  const signature = walk.chain(macaroon, key)
  const isSigned = crypto.equal(signature, macaroon.signature)
  const isDischarged = walk.discharge(signature)
  return { links: walk.links, isSigned, isDischarged }
}

interface Asked {
  readonly discharge: Macaroon
  readonly key: Uint8Array
}

class Walk {
  readonly links = new Map<Macaroon, readonly Uint8Array[]>()
  readonly #crypto: MacaroonCrypto
  readonly #unasked: Macaroon[]
  readonly #asked: Asked[] = []
  #isWhole = true

  constructor(crypto: MacaroonCrypto, discharges: readonly Macaroon[]) {
    this.#crypto = crypto
    this.#unasked = [...discharges]
  }

  /** The signature that the macaroon has if `key` is its key. */
  chain(macaroon: Macaroon, key: Uint8Array): Uint8Array {
    const links: Uint8Array[] = []
    let link = this.#crypto.hmacSha256(key, macaroon.identifier)
    for (const caveat of macaroon.caveats) {
      link = this.#link(link, caveat)
      links.push(link)
    }
    this.links.set(macaroon, links)
    return link
  }

  #link(before: Uint8Array, { identifier, vid }: RawCaveat): Uint8Array {
    if (vid === undefined) return this.#crypto.hmacSha256(before, identifier)
    this.#ask(before, identifier, vid)
    return linkOfTwo(this.#crypto, before, vid, identifier)
  }

  #ask(link: Uint8Array, identifier: Uint8Array, vid: Uint8Array): void {
    const at = this.#unasked.findIndex(each => isSame(each.identifier, identifier))
    const [discharge] = at < 0 ? [] : this.#unasked.splice(at, 1)
    const key = this.#crypto.open(link, vid.subarray(0, NONCE_BYTES), vid.subarray(NONCE_BYTES))
    if (discharge === undefined || key === undefined) this.#isWhole = false
    if (discharge !== undefined) this.#asked.push({ discharge, key: key ?? STAND_IN_KEY })
  }

  /** Walks the discharges that were asked for, and those that these ask for in turn. */
  discharge(signature: Uint8Array): boolean {
    for (const { discharge, key } of this.#asked) {
      const bound = boundSignature(this.#crypto, signature, this.chain(discharge, key))
      if (!this.#crypto.equal(bound, discharge.signature)) this.#isWhole = false
    }
    return this.#isWhole && this.#unasked.length === 0
  }
}

const isSame = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i])
