import {
  type DelegationBook,
  type Equivocation,
  type KeyRecord,
  SNAPSHOT,
  formatSigned,
  parseSigned,
  statementsProof
} from '../../federation/index.ts'

/** Proof for everybody that a hub has signed two snapshots of one number, from both lines and what is known of its keys. */
export function splitProof(
  hub: string,
  lines: readonly [string, string],
  { delegations }: DelegationBook,
  records: readonly KeyRecord[]
): Equivocation {
  const came = records.flatMap(one => (one.kind === 'delegation' ? [one.record] : []))
  const delegated = lines.flatMap(line => {
    const { key, epoch } = parseSigned(SNAPSHOT, line).statement
    return [...delegations, ...came]
      .filter(({ statement }) => statement.hub === hub && statement.role === 'snapshot')
      .filter(({ statement }) => 'key' in statement && statement.key === key && statement.epoch === epoch)
      .map(formatSigned)
  })
  return statementsProof('snapshots', hub, lines, delegated)
}
