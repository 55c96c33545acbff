import { NUMBERED, parseEquivocation, parseSigned } from '../../federation/index.ts'
import { topicMatches } from '../../protocols/index.ts'
import type { Treaty } from '../../federation/index.ts'
import type { HeldProof } from './equivocations.ts'

/**
 * Whether a hub may be told a proof: one of two messages of a share names the share and both topics, which only a hub may
 * learn to which this one sends them. All other proofs are for everybody.
 * @see specs/federation-witness.md, section 6
 */
export function mayLearn(
  { kind, line }: Pick<HeldProof, 'kind' | 'line'>,
  treaty: Pick<Treaty, 'rows'> | undefined
): boolean {
  const proof = kind === 'numbers' ? parseEquivocation(line) : undefined
  if (proof?.kind !== 'numbers') return true
  return proof.lines.every(text => {
    const { share, topic } = parseSigned(NUMBERED.kind, text).statement
    return treaty?.rows.some(
      row =>
        row.share.id === share && row.dir !== 'in' && row.topics.some(pattern => topicMatches(pattern, topic))
    )
  })
}
