import { integer, optional } from '../fields.ts'
import { defineService, header, json, opaque, record, streamed, unary } from '../service.ts'

const MAX_SAFE = Number.MAX_SAFE_INTEGER
const sequence = integer(0, MAX_SAFE)
const VERB = 'audit:read'

/** App 0x0401: reading a node's audit log, and proofs of what it holds. @see specs/audit.md, Operations */
export const auditService = defineService({
  name: 'audit',
  app: 0x0401,
  operations: {
    /** The body is the lines of entries `from` to before `to`, each with its line feed; `to` is at most `size`. */
    entries: streamed({
      verb: VERB,
      request: header({ from: sequence, to: optional(sequence) }),
      answer: json({ from: sequence, to: sequence, size: sequence })
    }),
    /** The newest signed head, as the text of a note. */
    checkpoint: unary({ verb: VERB, request: header({}), answer: opaque }),
    /** The body is the hashes of 32 bytes, the lowest first; under the tree of `size` entries. */
    inclusion: unary({
      verb: VERB,
      request: header({ seq: sequence, size: optional(sequence) }),
      answer: record({ seq: sequence, size: sequence })
    }),
    /** The body is the hashes of 32 bytes that lead from the tree of `from` entries to that of `to`. */
    consistency: unary({
      verb: VERB,
      request: header({ from: sequence, to: optional(sequence) }),
      answer: record({ from: sequence, to: sequence })
    })
  }
})
