import { createHash } from 'node:crypto'
import { canonicalJson } from '../../federation/index.ts'
import type { Treaty } from '../../federation/index.ts'
import { OapError } from '../../protocols/index.ts'
import { grantTerms } from '../allowlist/index.ts'
import type { AllowedHub } from '../allowlist/index.ts'
import type { RightElsewhere } from '../capabilities/index.ts'
import type { PayingHub } from '../guards/grant-quotas.ts'
import type { FollowedHubs } from './followed-hubs.ts'

export interface OriginsOptions {
  /** The entry of a hub that may link at this moment. */
  readonly allowed: (hub: string) => AllowedHub | undefined
  readonly followed: Pick<FollowedHubs, 'revokedOf' | 'isFresh'>
}

/**
 * Whether tokens that were given out for rights of other hubs are good still. They fall with the right, with the treaty,
 * and with the word of their hub on what it has revoked.
 * @see specs/federation-links.md, section 12.4
 */
export class Origins {
  readonly #o: OriginsOptions
  readonly #digests = new WeakMap<Treaty, string>()
  readonly #paying = new WeakMap<Treaty, PayingHub>()

  constructor(options: OriginsOptions) {
    this.#o = options
  }

  /** SHA-256 of a treaty, in hex. */
  digestOf(treaty: Treaty): string {
    let digest = this.#digests.get(treaty)
    if (digest === undefined) {
      digest = createHash('sha256').update(canonicalJson(treaty)).digest('hex')
      this.#digests.set(treaty, digest)
    }
    return digest
  }

  /** Why a token for this right is good no more: `cap_revoked`; undefined while it is. */
  withdrawal(right: RightElsewhere): OapError | undefined {
    const { allowed, followed } = this.#o
    const treaty = allowed(right.hub)?.treaty
    if (treaty === undefined || this.digestOf(treaty) !== right.treaty)
      return fallen('treaty', 'the treaty under which it was given out does not hold any more')
    const revoked = followed.revokedOf(right.hub, right)
    if (revoked !== undefined) return fallen(revoked, 'its hub has revoked the right that it stands in for')
    if (followed.isFresh(right.hub)) return undefined
    return fallen('head', 'its hub has not said for a minute what it has revoked')
  }

  /** Who pays for calls under such a token; undefined where nobody may link. */
  payerOf({ hub }: RightElsewhere): PayingHub | undefined {
    const treaty = this.#o.allowed(hub)?.treaty
    if (treaty === undefined) return undefined
    let paying = this.#paying.get(treaty)
    if (paying === undefined) {
      paying = { hub, rates: grantTerms(hub, treaty).rates }
      this.#paying.set(treaty, paying)
    }
    return paying
  }
}

const fallen = (reason: string, why: string): OapError => new OapError('cap_revoked', why, { reason })
