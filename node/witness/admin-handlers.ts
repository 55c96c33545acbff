import { OapError } from '../../protocols/index.ts'
import type { Handlers, witnessAdminOperations } from '../../protocols/index.ts'
import { auditEvent } from '../audit/index.ts'
import type { AuditEvent } from '../audit/index.ts'
import { operatorOf } from '../capabilities/index.ts'
import { checkHubId } from '../hub-id-check.ts'
import type { Equivocations, HeldProof } from './equivocations.ts'
import type { Gathering } from './gathering.ts'
import type { WitnessedLogs } from './witnessed-logs.ts'

export type WitnessAdmin = Handlers<typeof witnessAdminOperations>

const MOST_TOLD = 64
const LEAST_ID = 4

/** The operator's rows about cosignatures and proofs. */
export const witnessAdmin = ({
  gathering,
  equivocations,
  logs,
  record
}: {
  readonly gathering: Pick<Gathering, 'round' | 'newest'>
  readonly equivocations: Pick<Equivocations, 'all'>
  readonly logs: Pick<WitnessedLogs, 'of' | 'forget'>
  /** Resolves once it would survive a power cut. */
  readonly record: (event: AuditEvent) => Promise<unknown>
}): WitnessAdmin => ({
  audit_cosign: async () => {
    const { note, size, cosigned, refused } = await gathering.round()
    return {
      size,
      cosigned: cosigned.slice(0, MOST_TOLD),
      refused: refused.slice(0, MOST_TOLD),
      body: Buffer.from(note)
    }
  },

  audit_cosigned: () => {
    const { newest } = gathering
    if (newest === undefined)
      throw new OapError('not_found', 'no other hub has cosigned this log yet; see audit checkpoint --cosign')
    const { size, cosigned, note } = newest
    return { size, cosigned: cosigned.slice(0, MOST_TOLD), body: Buffer.from(note) }
  },

  log_forget: async ({ hub }, call) => {
    checkHubId(hub)
    const origins = logs.of(hub)
    if (origins.length === 0) return { forgotten: 0 }
    const { actor, ...ids } = operatorOf(call)
    await record(auditEvent('peer_forget', actor, { hub, what: 'logs', count: origins.length }, ids))
    await logs.forget(hub, origins)
    return { forgotten: origins.length }
  },

  equivocation_list: () => each(equivocations.all().map(rowOf)),

  equivocation_show: ({ id }) => {
    const found = equivocations.all().filter(one => id.length >= LEAST_ID && one.id.startsWith(id))
    const [proof] = found
    if (proof === undefined || found.length > 1)
      throw new OapError('not_found', `proof ${id}: there is none, or more than one that begins so`)
    return { ...rowOf(proof), body: Buffer.from(proof.line) }
  }
})

const rowOf = ({ id, hub, kind, foundAt, decidedAt }: HeldProof) => ({
  id,
  hub,
  kind,
  found: foundAt,
  ...(decidedAt !== undefined && { decided: decidedAt })
})

async function* each<T>(rows: readonly T[]): AsyncGenerator<T> {
  yield* rows
}
