import { auditEvent, commitment } from '../audit/index.ts'
import type { AuditEvent } from '../audit/index.ts'
import { InTurn } from '../capabilities/in-turn.ts'
import { ConfigError } from '../config/index.ts'
import { fileState } from '../file-state.ts'
import { readPolicyFile } from './policy-file.ts'
import { BUILT_IN, inForce } from './policy-in-force.ts'
import type { PolicyInForce } from './policy-in-force.ts'
import type { PolicyRows } from './policy-rows.ts'

export interface LivePolicyOptions {
  /** The file of the policy; undefined for the built-in one. */
  readonly path: string | undefined
  readonly rows: PolicyRows
  /** Resolves once the event would survive a power cut. */
  readonly record: (event: AuditEvent) => Promise<unknown>
}

/** What a look at the file led to. */
export type PolicyNews =
  | { readonly is: 'same' }
  | { readonly is: 'loaded'; readonly policy: PolicyInForce }
  | { readonly is: 'refused'; readonly problem: string }

/**
 * The policy in force: that of a file, followed while the node runs, or the built-in one. A new one is recorded and kept
 * before anything is judged by it; a file that is none changes nothing, is recorded, and is told once.
 */
export class LivePolicy {
  readonly #o: LivePolicyOptions
  readonly #turns = new InTurn()
  #current: PolicyInForce
  #state: string | undefined
  #problem: string | undefined

  private constructor(options: LivePolicyOptions, current: PolicyInForce, state: string | undefined) {
    this.#o = options
    this.#current = current
    this.#state = state
  }

  /** @throws ConfigError that names the key, the file and all that is wrong with it. */
  static async open(options: LivePolicyOptions): Promise<LivePolicy> {
    const { path, rows } = options
    const state = path && (await fileState(path))
    const live = new LivePolicy(options, await policyAt(path), state)
    // Until a file was given, there is nothing to say of the built-in policy.
    if (rows.last === undefined && path === undefined) await rows.keep(live.current)
    else if (live.current.hash !== rows.last) await live.#load(live.current)
    return live
  }

  get current(): PolicyInForce {
    return this.#current
  }

  /** What is wrong with the file as it is now, while an earlier one holds. */
  get problem(): string | undefined {
    return this.#problem
  }

  /** Looks at the file, for a timer. */
  look(): Promise<PolicyNews> {
    return this.#turns.run(async () => {
      const { path } = this.#o
      if (path === undefined) return { is: 'same' }
      const state = await fileState(path)
      if (state === this.#state) return { is: 'same' }
      const read = await readPolicyFile(path)
      if ('problems' in read) {
        const problem = read.problems.join('; ')
        await this.#o.record(
          auditEvent('policy', 'node', {
            change: 'refuse',
            ...(read.text !== undefined && { file_sha256: commitment(read.text) })
          })
        )
        this.#state = state
        this.#problem = problem
        return { is: 'refused', problem }
      }
      const policy = inForce(read.value)
      const isSame = policy.hash === this.#current.hash
      if (!isSame) await this.#load(policy)
      this.#state = state
      this.#problem = undefined
      return isSame ? { is: 'same' } : { is: 'loaded', policy }
    })
  }

  async #load(policy: PolicyInForce): Promise<void> {
    const { version } = policy.policy
    await this.#o.record(auditEvent('policy', 'node', { change: 'load', version, policy_hash: policy.hash }))
    await this.#o.rows.keep(policy)
    this.#current = policy
  }
}

/** The policy of a path of the configuration. @throws ConfigError that names the key, the file and all that is wrong. */
export async function policyAt(path: string | undefined): Promise<PolicyInForce> {
  if (path === undefined) return BUILT_IN
  const read = await readPolicyFile(path)
  if ('value' in read) return inForce(read.value)
  throw new ConfigError(read.problems.map(message => ({ path: 'federation.policy', message })))
}
