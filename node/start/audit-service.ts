import { auditOver } from '../audit/index.ts'
import type { AuditLog, ReadableAuditLog } from '../audit/index.ts'
import type { Service } from '../../protocols/index.ts'
import type { NodeAudit } from './audit.ts'

/** The audit service for peers and the operator; none for a node without a data folder, which keeps no log. */
export function auditServices(
  { part }: NodeAudit,
  /** The checkpoint over so many entries with its cosignatures, if it has any. */
  cosignedAt: (size: number) => string | undefined = () => undefined
): Service[] {
  return part === undefined ? [] : [auditOver(theOpen(() => part.log, cosignedAt)) as Service]
}

/** The log that is open when it is read: one that failed is opened anew. */
const theOpen = (
  log: () => AuditLog,
  cosignedAt: (size: number) => string | undefined
): ReadableAuditLog => ({
  get size() {
    return log().size
  },
  get first() {
    return log().first
  },
  checkRange: (from, to) => log().checkRange(from, to),
  lines: (from, to) => log().lines(from, to),
  checkpoint: async () => {
    const note = await log().checkpoint()
    return cosignedAt(Number(note.split('\n', 2)[1])) ?? note
  },
  inclusion: async (seq, size) => log().inclusion(seq, size),
  consistency: async (from, to) => log().consistency(from, to)
})
