import { POLICY_FORM, forms, policyHash, readForm } from '../../federation/index.ts'
import type { Policy } from '../../federation/index.ts'
import { CheckedRows } from '../stores/checked-rows.ts'
import type { Level } from '../stores/level.ts'
import type { PolicyInForce } from './policy-in-force.ts'

const ROWS = 'policies'
const IN_FORCE = 'in-force'
/** Policies of the past that are kept; the one that came first goes first. */
export const MAX_POLICIES = 256

interface Row {
  readonly policy: Policy
  readonly n: number
}

/**
 * Policies that were in force here, by hash, so that what they decided can be decided again. Survives a power cut.
 * Whoever can write to the store can take policies away; another one in their place has another hash and is not read.
 */
export class PolicyRows {
  readonly #rows: CheckedRows
  readonly #known = new Map<string, Row>()
  #last: string | undefined
  #next = 1

  private constructor(level: () => Level) {
    this.#rows = new CheckedRows(level, ROWS)
  }

  static async open(level: () => Level): Promise<PolicyRows> {
    const policies = new PolicyRows(level)
    for (const { key, value } of await policies.#rows.all()) policies.#learn(key, value)
    return policies
  }

  /** The hash of the one that was in force last; undefined before there was any but the built-in one. */
  get last(): string | undefined {
    return this.#last
  }

  get(hash: string): Policy | undefined {
    return this.#known.get(hash)?.policy
  }

  /** Resolves once the policy is kept as the one in force. */
  async keep({ policy, hash }: PolicyInForce): Promise<void> {
    const row = { policy, n: this.#next }
    await this.#rows.put([
      { key: hash, value: row },
      { key: IN_FORCE, value: hash }
    ])
    this.#known.set(hash, row)
    this.#last = hash
    this.#next++
    const old = [...this.#known].sort(([, a], [, b]) => a.n - b.n).slice(0, -MAX_POLICIES)
    for (const [one] of old) this.#known.delete(one)
    await this.#rows.forget(old.map(([one]) => one))
  }

  #learn(key: string, value: unknown): void {
    if (key === IN_FORCE) {
      const read = readForm(forms.hex32, value)
      if ('value' in read) this.#last = read.value
      return
    }
    const { policy, n } = (value ?? {}) as { readonly policy?: unknown; readonly n?: unknown }
    const read = readForm(POLICY_FORM, policy)
    if (!('value' in read) || typeof n !== 'number' || policyHash(read.value) !== key) return
    this.#known.set(key, { policy: read.value, n })
    this.#next = Math.max(this.#next, n + 1)
  }
}
