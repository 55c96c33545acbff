import type { ItemKind } from '../../federation/index.ts'
import { auditEvent } from '../audit/index.ts'
import type { AuditEvent } from '../audit/index.ts'
import type { PolicyInForce } from './policy-in-force.ts'

const MOST_IDS = 4096

interface Count {
  readonly kind: ItemKind
  readonly policy: PolicyInForce
  count: number
}

/**
 * Counts accepted items until they are recorded: one entry for each kind and policy. A crash loses what was counted
 * since the last time.
 */
export class AcceptedCounts {
  readonly #now: () => number
  #counts = new Map<string, Count>()
  #since: number
  /** Ids of items that were counted. */
  readonly #newest = new Set<string>()

  constructor(now: () => number) {
    this.#now = now
    this.#since = now()
  }

  /**
   * Never waits. One that comes again because it could not be delivered is counted once, as long as it is one of the newest.
   * There are as many counts as kinds, and as policies were in force since the last time.
   */
  add(kind: ItemKind, policy: PolicyInForce, id: string): void {
    if (this.#newest.has(id)) return
    this.#newest.add(id)
    if (this.#newest.size > MOST_IDS) this.#newest.delete(this.#newest.values().next().value!)
    const key = `${kind} ${policy.hash}`
    const held = this.#counts.get(key)
    if (held === undefined) this.#counts.set(key, { kind, policy, count: 1 })
    else held.count++
  }

  /** Records them; those whose entry could not be written are kept. */
  async flush(record: (event: AuditEvent) => Promise<unknown>): Promise<void> {
    const [counts, from_ms, until_ms] = [this.#counts, this.#since, this.#now()]
    this.#counts = new Map()
    this.#since = until_ms
    for (const [key, one] of counts) {
      const { kind, policy, count } = one
      const data = { kind, policy_version: policy.policy.version, policy_hash: policy.hash, count }
      try {
        await record(
          auditEvent('accepted', 'node', { ...data, from_ms: Math.min(from_ms, until_ms), until_ms })
        )
        counts.delete(key)
      } catch (error) {
        this.#keep(counts, from_ms)
        throw error
      }
    }
  }

  #keep(counts: ReadonlyMap<string, Count>, since: number): void {
    for (const [key, one] of counts) {
      const held = this.#counts.get(key)
      if (held === undefined) this.#counts.set(key, one)
      else held.count += one.count
    }
    this.#since = Math.min(this.#since, since)
  }
}
