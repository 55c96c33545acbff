import { flag, integer, list, optional, text } from '../fields.ts'
import { header, record, unary } from '../service.ts'

const MAX_KEYS = 64

/** The row of the admin service (0x0003) by which a running node is closed to writes without a token. */
export const hardenAdminOperations = {
  /**
   * The configuration was hardened: the names of the keys that were set, none where nothing was to set, and SHA-256 in hex of
   * it before and after. Before it answers, the node takes no write without a token any more until it stops, has recorded it,
   * and has made and signed its manifests anew. `closed` is false where writes needed one before; `lacks` names what only a
   * restart gives this node; `recorded` is false where nothing was to record, or the audit log took nothing. The body is
   * the manifests and their signatures as they are served, as a JSON object of texts; empty where none are.
   */
  harden: unary({
    verb: 'admin:harden',
    request: header({
      keys: list(text(128), MAX_KEYS),
      before_sha256: optional(text(64)),
      after_sha256: optional(text(64))
    }),
    answer: record({
      serves: flag,
      closed: flag,
      recorded: flag,
      lacks: list(text(32), 8),
      closed_ms: integer(0, Number.MAX_SAFE_INTEGER)
    })
  })
}
