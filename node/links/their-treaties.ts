import { TREATY_GRANT, readForm } from '../../federation/index.ts'
import type { TreatyGrant } from '../../federation/index.ts'

/**
 * What other hubs grant this one, by their own word, for its operator to see. At most as many as there are hubs on the
 * allowlist.
 */
export class TheirTreaties {
  readonly #of = new Map<string, TreatyGrant>()

  of(hub: string): TreatyGrant | undefined {
    return this.#of.get(hub)
  }

  /** A hub says over its link that it grants this now; false, and nothing changes, for what is no treaty. */
  told(hub: string, treaty: unknown): boolean {
    const read = readForm(TREATY_GRANT, treaty)
    if ('value' in read) this.#of.set(hub, read.value)
    return 'value' in read
  }

  /** A hub said so in its newest proof, which counts whatever was told before. */
  proved(hub: string, treaty: unknown): void {
    if (!this.told(hub, treaty)) this.forget(hub)
  }

  forget(hub: string): void {
    this.#of.delete(hub)
  }
}
