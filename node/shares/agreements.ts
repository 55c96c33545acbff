import { hash } from 'node:crypto'
import { agree, grantOf, isOver } from '../../federation/index.ts'
import type { Agreement, Treaty, TreatyGrant, TreatyRow } from '../../federation/index.ts'
import { topicMatches } from '../../protocols/index.ts'
import type { AllowedHub } from '../allowlist/index.ts'
import { TopicIndex } from '../guards/topic-index.ts'

const TERMS_CHARS = 32

export interface AgreementsOptions {
  /** All entries of the allowlist. */
  readonly list: () => readonly AllowedHub[]
  /** The entry of a hub with which messages may be shared at this moment: not over, not in quarantine. */
  readonly allowed: (hub: string) => AllowedHub | undefined
  /** What a hub grants this one by its own word, where that is known. */
  readonly theirs: (hub: string) => TreatyGrant | undefined
  readonly isTenant: (id: string) => boolean
  /** Unix seconds. */
  readonly nowS: () => number
}

/** What is shared with one hub in one direction. */
export interface Way {
  readonly tenant: string
  readonly relay: boolean
  /** How old a message may be, in seconds. */
  readonly windowS: number
  readonly has: (topic: string) => boolean
  /** 32 hex digits: others where another tenant or other topics are meant. */
  readonly terms: string
}

interface Cached {
  readonly treaty: Treaty
  readonly theirs: TreatyGrant
  readonly agreement: Agreement
}

/** What the treaties of this hub share, as they hold at the moment that is asked. */
export class Agreements {
  readonly #o: AgreementsOptions
  #index: ReadonlyMap<string, TopicIndex<string>> | undefined
  readonly #cached = new Map<string, Cached>()

  constructor(options: AgreementsOptions) {
    this.#o = options
  }

  /** Something in the allowlist is another. */
  changed(): void {
    this.#index = undefined
    this.#cached.clear()
  }

  /** Whether anything is shared with anyone. */
  get isEmpty(): boolean {
    return this.#tenants().size === 0
  }

  /** The shares that a message of a tenant's topic goes out in. */
  sharesOf(tenant: string, topic: string): readonly string[] {
    const index = this.#tenants().get(tenant)
    return index === undefined ? [] : [...index.find(topic)]
  }

  /** The longest that any treaty has messages of a share kept, in seconds. */
  windowOf(share: string): number {
    const windows = this.#o
      .list()
      .filter(({ treaty }) => treaty.rows.some(row => row.share.id === share))
      .map(({ treaty }) => treaty.window_s)
    return Math.max(0, ...windows)
  }

  /** Shares of which a hub sends to this one. */
  incoming(hub: string): readonly string[] {
    return this.#with(hub)?.in.map(({ share }) => share) ?? []
  }

  /** Whether messages of a hub may come here at all. */
  isAllowed(hub: string): boolean {
    return this.#o.allowed(hub) !== undefined
  }

  /** Shares of which this hub takes a hub's messages, by its own rows. */
  sharesFrom(origin: string): readonly string[] {
    const rows = this.#o.allowed(origin)?.treaty.rows ?? []
    return rows.filter(({ dir }) => dir !== 'out').map(({ share }) => share.id)
  }

  /** What both let this hub send to another; undefined for nothing. */
  out(hub: string, share: string): Way | undefined {
    return this.#way(hub, share, 'out')
  }

  /** What both let another send to this hub. */
  in(hub: string, share: string): Way | undefined {
    return this.#way(hub, share, 'in')
  }

  /**
   * What this hub takes of an origin that need not be linked: by its own row, and by what the origin grants where that is
   * known.
   */
  from(origin: string, share: string): Way | undefined {
    if (this.#o.theirs(origin) !== undefined) return this.in(origin, share)
    const row = this.#row(origin, share)
    if (row === undefined || row.dir === 'out' || !this.#o.isTenant(row.tenant)) return undefined
    const { tenant, relay, topics } = row
    const windowS = this.#o.allowed(origin)!.treaty.window_s
    return { tenant, relay, windowS, has: topic => covers(topics, topic), terms: termsOf(tenant, topics) }
  }

  #row(hub: string, share: string): TreatyRow | undefined {
    return this.#o.allowed(hub)?.treaty.rows.find(row => row.share.id === share)
  }

  #way(hub: string, share: string, dir: 'in' | 'out'): Way | undefined {
    const agreement = this.#with(hub)
    const agreed = agreement?.[dir].find(one => one.share === share)
    const tenant = this.#row(hub, share)?.tenant
    if (agreement === undefined || agreed === undefined || tenant === undefined) return undefined
    if (!this.#o.isTenant(tenant)) return undefined
    const { relay, topics } = agreed
    const { windowS } = agreement
    return { tenant, relay, windowS, has: topic => covers(topics, topic), terms: termsOf(tenant, topics) }
  }

  #with(hub: string): Agreement | undefined {
    const treaty = this.#o.allowed(hub)?.treaty
    const theirs = this.#o.theirs(hub)
    if (treaty === undefined || theirs === undefined) return undefined
    const known = this.#cached.get(hub)
    const isKnown = known?.treaty === treaty && known.theirs === theirs
    const agreement = isKnown ? known.agreement : agree(grantOf(treaty), theirs)
    if (!isKnown) this.#cached.set(hub, { treaty, theirs, agreement })
    return isOver(agreement, this.#o.nowS()) ? undefined : agreement
  }

  #tenants(): ReadonlyMap<string, TopicIndex<string>> {
    if (this.#index !== undefined) return this.#index
    const index = new Map<string, TopicIndex<string>>()
    for (const { hub } of this.#o.list()) {
      for (const { tenant, dir, topics, share } of this.#o.allowed(hub)?.treaty.rows ?? []) {
        if (dir === 'in') continue
        const of = index.get(tenant) ?? new TopicIndex<string>()
        index.set(tenant, of)
        for (const topic of topics) of.add(topic, share.id)
      }
    }
    this.#index = index
    return index
  }
}

const covers = (patterns: readonly string[], topic: string): boolean =>
  patterns.some(pattern => topicMatches(pattern, topic))

const termsOf = (...said: readonly unknown[]): string =>
  hash('sha256', JSON.stringify(said), 'hex').slice(0, TERMS_CHARS)
