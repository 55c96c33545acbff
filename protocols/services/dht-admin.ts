import { flag, integer, list, object, oneOf, optional, text } from '../fields.ts'
import { header, json, unary } from '../service.ts'

const count = integer(0, Number.MAX_SAFE_INTEGER)
const cid = text(128)

/** A provider in a fetch: how far it came, and why it stopped. */
const asked = {
  peer: text(128),
  via: oneOf('hint', 'link', 'dht'),
  /** How often it was asked. */
  asked: count,
  /** Bytes of the blob that it proved. */
  bytes: count,
  /** The first byte of its last range that it did not prove. */
  reached: optional(count),
  ended: optional(text(64)),
  detail: optional(text(256)),
  ms: count
}

/** Rows of the admin service (0x0003) about the DHT of linked hubs, and blobs that come from them. */
export const dhtAdminOperations = {
  /** `open` is false while the DHT is switched off, and while there is no hub to link with. */
  dht_stats: unary({
    verb: 'admin:dht_stats',
    request: header({}),
    answer: json({
      open: flag,
      peers: count,
      /** Public roots that are announced. */
      roots: count,
      under_way: count,
      announced: count,
      failed: count,
      /** Milliseconds between two announcements. */
      gap_ms: count
    })
  }),
  /** Peer ids of the routing table. */
  dht_peers: unary({
    verb: 'admin:dht_peers',
    request: header({}),
    answer: json({ peers: list(text(128), 512) })
  }),
  /** What became of the newest fetch of a blob, of the last 32; 404 for one that is none of these. */
  fetch_report: unary({
    verb: 'admin:fetch_report',
    request: header({ cid }),
    answer: json({
      cid,
      /** Missing for one that succeeded. */
      code: optional(text(64)),
      /** Unix milliseconds. */
      ended_at: count,
      ms: count,
      /** Bytes that were missing at the start, missing itself where the length never came. */
      missing: optional(count),
      fetched: count,
      providers: list(object(asked), 64),
      /** What went wrong while providers were looked for. */
      searches: list(text(256), 64)
    })
  })
}
