import { auditOver } from '../audit/index.ts'
import type { AuditLog, ReadableAuditLog } from '../audit/index.ts'
import type { Service } from '../../protocols/index.ts'
import type { NodeAudit } from './audit.ts'

/** The audit service for peers and the operator; none for a node without a data folder, which keeps no log. */
export function auditServices({ part }: NodeAudit): Service[] {
  return part === undefined ? [] : [auditOver(theOpen(() => part.log)) as Service]
}

/** The log that is open when it is read: one that failed is opened anew. */
const theOpen = (log: () => AuditLog): ReadableAuditLog => ({
  get size() {
    return log().size
  },
  get first() {
    return log().first
  },
  checkRange: (from, to) => log().checkRange(from, to),
  lines: (from, to) => log().lines(from, to),
  checkpoint: async () => log().checkpoint(),
  inclusion: async (seq, size) => log().inclusion(seq, size),
  consistency: async (from, to) => log().consistency(from, to)
})
