import { flag, integer, list, object, optional, text } from '../fields.ts'
import { header, json, unary } from '../service.ts'

const count = integer(0, Number.MAX_SAFE_INTEGER)

/** A block whose bytes on the disk are not those of its hash. */
const rotten = {
  /** In hex: the block's SHA-256. */
  sha256: text(64),
  detail: text(256),
  repaired: flag
}

/** Rows of the admin service (0x0003) about the blocks on this node's disk. */
export const blobsAdminOperations = {
  /**
   * How far the newest scrub has come that an operator asked for. With `begin` there is one from now on: that which runs, or
   * a new one from the first block.
   */
  blob_scrub: unary({
    verb: 'admin:blob_scrub',
    request: header({ begin: optional(flag) }),
    answer: json({
      running: flag,
      /** Of all blocks, in millionths. */
      done_ppm: integer(0, 1_000_000),
      blocks: count,
      bytes: count,
      rotten: count,
      repaired: count,
      /** The first of them. */
      found: list(object(rotten), 64)
    })
  })
}
