import { parseIp, siteOf, sourceOf } from '../ams/access/addresses.ts'
import type { Networks } from '../ams/access/addresses.ts'

/** An owner of a /48 of IPv6 may have as many as so many sources. */
const SOURCES_OF_A_SITE = 2

/**
 * Counts the connections of each source: an address of IPv4, a /64 of IPv6 and, more of them, a /48. It holds nothing of a
 * source without connections, so never more than there are connections.
 */
export class SourceConnections {
  readonly #most: number
  readonly #spared: Networks
  readonly #held = new Map<string, number>()

  /** `spared` may have any number, since it speaks for others. */
  constructor(most: number, spared: Networks) {
    this.#most = most
    this.#spared = spared
  }

  /** Sources that have a connection. */
  get size(): number {
    return this.#held.size
  }

  /** Counts a connection until the function that this yields is called once; undefined where its source has its share. */
  enter(remote: string | undefined): (() => void) | undefined {
    const ip = parseIp(remote ?? '')
    // Without an address it has ended already.
    if (ip === undefined || this.#spared.has(ip)) return () => undefined
    const site = siteOf(ip)
    const shares = [{ key: sourceOf(ip), most: this.#most }]
    if (site !== undefined) shares.push({ key: site, most: this.#most * SOURCES_OF_A_SITE })
    if (shares.some(({ key, most }) => (this.#held.get(key) ?? 0) >= most)) return undefined
    for (const { key } of shares) this.#add(key, 1)
    return () => shares.forEach(({ key }) => this.#add(key, -1))
  }

  #add(key: string, count: number): void {
    const held = (this.#held.get(key) ?? 0) + count
    if (held === 0) this.#held.delete(key)
    else this.#held.set(key, held)
  }
}
