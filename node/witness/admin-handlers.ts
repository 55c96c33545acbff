import { OapError } from '../../protocols/index.ts'
import type { Handlers, witnessAdminOperations } from '../../protocols/index.ts'
import type { Equivocations, HeldProof } from './equivocations.ts'
import type { Gathering } from './gathering.ts'

export type WitnessAdmin = Handlers<typeof witnessAdminOperations>

const MOST_TOLD = 64
const LEAST_ID = 4

/** The operator's rows about cosignatures and proofs. */
export const witnessAdmin = ({
  gathering,
  equivocations
}: {
  readonly gathering: Pick<Gathering, 'round' | 'newest'>
  readonly equivocations: Pick<Equivocations, 'all'>
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
