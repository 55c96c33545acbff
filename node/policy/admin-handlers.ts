import { OapError } from '../../protocols/index.ts'
import type { Handlers, QuarantinedItem, policyAdminOperations } from '../../protocols/index.ts'
import { operatorOf } from '../capabilities/index.ts'
import { decidedAgain } from './explaining.ts'
import type { Judged } from './judging.ts'
import type { Kept } from './kept-rows.ts'
import type { LivePolicy } from './live-policy.ts'
import type { PolicyRows } from './policy-rows.ts'
import type { Quarantine } from './quarantine.ts'
import { QUARANTINE } from './room.ts'

export type PolicyAdmin = Handlers<typeof policyAdminOperations>

export interface PolicyAdminOptions {
  readonly live: Pick<LivePolicy, 'current' | 'problem'>
  readonly rows: Pick<PolicyRows, 'get'>
  readonly quarantine: Quarantine
  /** Where the policy comes from; undefined for the built-in one. */
  readonly file: string | undefined
  /** The newest decision about an item in the audit log. */
  readonly recorded: (id: string) => Promise<Judged | undefined>
}

/** The operator's rows about the acceptance policy and quarantine, of a running node. */
export const policyAdmin = ({ live, rows, quarantine, file, recorded }: PolicyAdminOptions): PolicyAdmin => ({
  policy_show: () => ({
    version: live.current.policy.version,
    policy_hash: live.current.hash,
    source: file === undefined ? ('built_in' as const) : ('file' as const),
    ...(file !== undefined && { file }),
    ...(live.problem !== undefined && { problem: live.problem.slice(0, MAX_PROBLEM_CHARS) }),
    items: quarantine.items,
    bytes: quarantine.bytes,
    body: jsonBytes(live.current.policy)
  }),

  policy_explain: async ({ id }) => {
    const kept = quarantine.kept(id)
    const judged = kept ?? (await recorded(id))
    if (judged === undefined)
      throw new OapError(
        'not_found',
        `item ${id}: is not in quarantine, and the newest entries of the audit log know no decision about it; what is accepted is counted only`
      )
    const { evidence, record } = judged
    const policy = rows.get(record.policy_hash)
    const { again, isSame = false } = policy === undefined ? {} : decidedAgain(judged, policy)
    return {
      is_quarantined: kept !== undefined,
      is_known_policy: policy !== undefined,
      is_same: isSame,
      body: jsonBytes({ evidence, record, ...(policy && { policy, again }) })
    }
  },

  quarantine_list: () => each(quarantine.list().map(itemRow)),

  quarantine_release: async ({ id }, call) => itemRow(await quarantine.release(id, operatorOf(call))),

  quarantine_reject: async ({ id }, call) => itemRow(await quarantine.reject(id, operatorOf(call)))
})

/** A character is at most three bytes. */
const MAX_PROBLEM_CHARS = 1300

const jsonBytes = (value: object): Uint8Array => Buffer.from(JSON.stringify(value))

const itemRow = ({ evidence, record, bytes, kept_at, releasing }: Kept): QuarantinedItem => ({
  id: evidence.id,
  kind: evidence.kind,
  origin: evidence.origin,
  share: evidence.share,
  bytes,
  score: record.score,
  reasons: record.reasons,
  policy_version: record.policy_version,
  policy_hash: record.policy_hash,
  kept_at,
  expires_at: kept_at + QUARANTINE.keptMs,
  releasing
})

async function* each<T>(rows: readonly T[]): AsyncGenerator<T> {
  yield* rows
}
