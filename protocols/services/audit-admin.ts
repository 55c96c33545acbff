import { integer, optional, text } from '../fields.ts'
import { header, json, record, unary } from '../service.ts'

const sequence = integer(0, Number.MAX_SAFE_INTEGER)
const MAX_PATH_BYTES = 4096

/** Rows of the admin service (0x0003) about the audit log and backups. */
export const auditAdminOperations = {
  /** Which log is open, and which entries it has: from `first`, unless they were pruned from 0, to before `size`. */
  audit_log: unary({
    verb: 'admin:audit_log',
    request: header({}),
    answer: json({ origin: text(256), first: sequence, size: sequence })
  }),
  /** The body is the proof to lay beside the exported lines of the entries `from` to before `to`. */
  audit_proof: unary({
    verb: 'admin:audit_proof',
    request: header({ from: sequence, to: optional(sequence) }),
    answer: record({ from: sequence, to: sequence })
  }),
  /**
   * The node itself writes a copy of its data folder into a new folder, given by its absolute path on the node's machine.
   * `size` and `root`, in hex, are the head of the audit log in it.
   */
  backup: unary({
    verb: 'admin:backup',
    request: header({ folder: text(MAX_PATH_BYTES) }),
    answer: json({ folder: text(MAX_PATH_BYTES), origin: text(256), size: sequence, root: text(64) })
  })
}
