import { recordBatch } from '../batch-codec.ts'
import { OapError } from '../errors.ts'
import { flag, integer, list, object, oneOf, optional, text } from '../fields.ts'
import type { Field } from '../fields.ts'
import { defineService, header, headerAndBody, json, opaque, record, unary } from '../service.ts'

const MAX_SAFE = Number.MAX_SAFE_INTEGER
const SIGNATURE_BYTES = 64
const MAC_BYTES = 32
const DIGEST_BYTES = 32
const TERMS_BYTES = 16
const MAX_KEY_RECORDS = 576
const MAX_PACKAGE_BYTES = 4 * 1024 * 1024
const MAX_STATEMENT_BYTES = 32_768
const MAX_RECEIPT_BYTES = 2048

const hex = (bytes: number): Field<string> => {
  const form = new RegExp(`^[0-9a-f]{${bytes * 2}}$`)
  return {
    optional: false,
    read: (value, name) => {
      if (typeof value === 'string' && form.test(value)) return value
      throw new OapError('bad_request', `${name}: ${bytes * 2} hex digits`)
    }
  }
}

const hubId = text(54)
/** `<hub id>/<node name>/<log id>` */
const MAX_ORIGIN_CHARS = 54 + 1 + 63 + 1 + 16
const shareId = hex(16)
const series = integer(1, 8_640_000_000_000_000)
const number = integer(0, MAX_SAFE)
/** Numbers from the first to the second, both included. */
const stretch = list(integer(1, MAX_SAFE), 2, 2)
const stretches = (most: number, least = 0) => list(stretch, most, least)

const signed = { signature: hex(SIGNATURE_BYTES) }
const paired = { ...signed, mac: hex(MAC_BYTES) }

/** App 0x0501: how hubs prove themselves to each other, and stay linked. @see specs/federation-handshake.md, section 8 */
export const federationService = defineService({
  name: 'federation',
  app: 0x0501,
  operations: {
    /** The body is the hello, the answer the challenge. */
    hello: unary({ verb: 'federation:hello', request: headerAndBody({}), answer: opaque }),
    /** The bodies are the proofs of the initiator and of the responder. */
    prove: unary({ verb: 'federation:prove', request: headerAndBody(signed), answer: record(signed) }),
    /** The same for hubs that know an invite and have no treaty yet. */
    pair: unary({ verb: 'federation:pair', request: headerAndBody(paired), answer: record(paired) }),
    /** Over a link alone: whether it is still one. `time` is in Unix seconds. */
    probe: unary({
      verb: 'federation:probe',
      request: header({}),
      answer: json({ time: integer(0, MAX_SAFE), revocation_seq: integer(0, MAX_SAFE) })
    }),
    /** Over a link alone: the body is what the caller grants from now on, as in the facts of its proof. */
    treaty: unary({ verb: 'federation:treaty', request: headerAndBody({}), answer: json({}) }),
    /**
     * Over a link alone: what the hub key of the other side has signed about keys, a line each in the body, from line
     * `from` on; `digest` is the SHA-256 of all `total` lines.
     */
    keys: unary({
      verb: 'federation:keys',
      request: header({ from: integer(0, MAX_KEY_RECORDS) }),
      answer: record({ total: integer(0, MAX_KEY_RECORDS), digest: hex(DIGEST_BYTES) })
    }),
    /** Over a link alone: the body is such lines, which are new. */
    new_keys: unary({ verb: 'federation:new_keys', request: headerAndBody({}), answer: json({}) }),
    /**
     * Over a link alone: the newest snapshot of the other side, or the one of a number; its package is a blob of the class
     * `federated`. @see specs/federation-snapshots.md, section 5
     */
    snapshot: unary({
      verb: 'federation:snapshot',
      request: header({ seq: optional(integer(1, MAX_SAFE)) }),
      answer: json({
        seq: integer(1, MAX_SAFE),
        sha256: hex(DIGEST_BYTES),
        cid: text(128),
        bytes: integer(1, MAX_PACKAGE_BYTES)
      })
    }),
    /** Over a link alone: the caller ends it. `reason` is for the other side's log. */
    leave: unary({
      verb: 'federation:leave',
      request: header({ reason: text(64) }),
      answer: json({})
    }),

    // Witnessing and proofs, specs/federation-witness.md: over a link alone.
    /**
     * Asks for a cosignature. The body is as C2SP tlog-witness has it; `old_root` is the root that the log had at the
     * size in the first line, `delegation` the hub key's word for the log's key. The body of the answer is the
     * signature line where it is cosigned; else the witness has seen the log at `size`.
     */
    witness: unary({
      verb: 'federation:witness',
      request: headerAndBody({ old_root: hex(DIGEST_BYTES), delegation: text(4096) }),
      answer: record({ result: oneOf('cosigned', 'known'), size: integer(0, MAX_SAFE) })
    }),
    /** Tells a head that the caller has cosigned: the body is the checkpoint of a log of `hub`, `delegation` as above. */
    head: unary({
      verb: 'federation:head',
      request: headerAndBody({ hub: text(54), delegation: text(4096) }),
      answer: json({})
    }),
    /** Asks the log of an origin, which the caller witnesses, for its growth. The body of the answer is the hashes of 32 bytes. */
    log_proof: unary({
      verb: 'federation:log_proof',
      request: header({
        from: integer(0, MAX_SAFE),
        to: integer(0, MAX_SAFE),
        origin: optional(text(MAX_ORIGIN_CHARS))
      }),
      answer: record({ old_root: hex(DIGEST_BYTES) })
    }),
    /** Tells that a hub said two things; the body is the proof as a line. `ignored`: of a hub that is not allowed here. */
    equivocation: unary({
      verb: 'federation:equivocation',
      request: headerAndBody({}),
      answer: json({ result: oneOf('new', 'known', 'ignored') })
    }),

    // Directed messages: specs/federation-directed.md.
    /** Over a link alone: the body is that of the message whose line `statement` is, the answer the line of a receipt. */
    deliver: unary({
      verb: 'federation:deliver',
      writes: true,
      request: headerAndBody({ statement: text(MAX_STATEMENT_BYTES) }),
      answer: json({ receipt: text(MAX_RECEIPT_BYTES) })
    }),

    // Shared topics: specs/federation-shares.md, section 5.
    /** Over a link alone: what the other side has of a share for the caller, a row for each series of each origin. */
    share_state: unary({
      verb: 'federation:share_state',
      request: header({ share: shareId, after: optional(object({ origin: hubId, series })) }),
      answer: json({
        rows: list(
          object({
            origin: hubId,
            series,
            first: integer(1, MAX_SAFE),
            last: number,
            /** Between both, not there. */
            missing: stretches(256),
            /** The federated id of the message `last`, where it is known. */
            top: optional(hex(DIGEST_BYTES)),
            /** Of an own series: another where the caller may get what was withheld before. */
            terms: optional(hex(TERMS_BYTES))
          }),
          64
        ),
        more: flag
      })
    }),
    /** Over a link alone: messages by their numbers; each body is a statement of `line` bytes and what was sent. */
    share_pull: unary({
      verb: 'federation:share_pull',
      request: header({ share: shareId, origin: hubId, series, numbers: stretches(64, 1) }),
      answer: recordBatch(
        {
          /** Numbers that the origin does not share with the caller. */
          withheld: stretches(64),
          /** From here on nothing was looked at: ask again. */
          next: optional(integer(1, MAX_SAFE))
        },
        { line: integer(1, 32_768) },
        256
      )
    })
  }
})
