import { OapError } from '../errors.ts'
import { flag, integer, list, matching, object, oneOf, optional, text } from '../fields.ts'
import type { Field, FieldValues } from '../fields.ts'
import { defineService, header, headerAndBody, json, record, streamed, unary } from '../service.ts'
import { STORAGE_LIMITS, cidText, parseCid } from '../storage/index.ts'

const LIMITS = STORAGE_LIMITS

const cid: Field<string> = {
  optional: false,
  read(value, name) {
    if (typeof value !== 'string')
      throw new OapError('bad_request', `${name}: a content id`, { code: 'bad_cid' })
    return cidText(parseCid(value))
  }
}

const bytes = integer(0, Number.MAX_SAFE_INTEGER)
const ms = bytes
const seconds = integer(1, LIMITS.ttlS)

/** Who may have a blob: everyone, hubs whose treaty shares it, or the tenant alone. */
const storageClass = oneOf('public', 'federated', 'private')

const MEDIA_TYPE = /^[A-Za-z0-9!#$&^_.+-]+\/[A-Za-z0-9!#$&^_.+-]+(?: ?;[ -~]*)?$/

const contentType = matching<string>(
  value => value.length <= LIMITS.contentTypeBytes && MEDIA_TYPE.test(value),
  `a media type of at most ${LIMITS.contentTypeBytes} printable characters`
)

const blobFields = {
  cid,
  len: bytes,
  /** What counts against the tenant: all blocks, each as often as it occurs. */
  stored_bytes: bytes,
  class: storageClass,
  content_type: optional(contentType),
  pinned: flag,
  /** Unix milliseconds. */
  stored_at: ms,
  /** When one that is not pinned may be taken away. */
  expires_at: optional(ms)
}

const partialFields = {
  /** Which of the ids that were asked for. */
  n: integer(0, LIMITS.hasCids - 1),
  ranges: list(object({ offset: bytes, length: integer(1, Number.MAX_SAFE_INTEGER) }), LIMITS.hasRanges, 1)
}

const providerFields = {
  /** A peer id. */
  peer: text(128),
  addresses: list(text(LIMITS.addressBytes), LIMITS.providerAddresses),
  via: oneOf('here', 'link', 'dht'),
  hub: optional(text(128))
}

/** App 0x0301: blobs by the hash of their content, proved while they stream. @see specs/storage.md */
export const storageService = defineService({
  name: 'storage',
  app: 0x0301,
  operations: {
    /** The body is what `dagVerifier` reads, or plain bytes where `form` is `raw`. */
    get: streamed({
      verb: 'storage:get',
      content: 'cid',
      elseAnonymous: true,
      request: header({
        cid,
        offset: optional(bytes),
        length: optional(integer(1, Number.MAX_SAFE_INTEGER)),
        form: optional(oneOf('dag', 'raw'))
      }),
      answer: record({
        cid,
        offset: bytes,
        length: bytes,
        total_len: bytes,
        content_type: optional(contentType)
      })
    }),
    /** The body of the answer has a bit for each id, the lowest of the first byte for the first: all of it is here. */
    has: unary({
      verb: 'storage:has',
      elseAnonymous: true,
      request: header({ cids: list(cid, LIMITS.hasCids, 1) }),
      answer: record({ partial: optional(list(object(partialFields), LIMITS.hasPartial)) })
    }),
    /** Answered once the blob would survive a power cut. */
    put: unary({
      verb: 'storage:put',
      writes: true,
      upload: true,
      content: 'cid',
      // A record: a sealed body wants one.
      request: headerAndBody({
        cid: optional(cid),
        profile: optional(oneOf('omnigate-v1', 'unixfs-v1-2025')),
        content_type: optional(contentType),
        class: optional(storageClass),
        pin: optional(flag),
        ttl_s: optional(seconds)
      }),
      answer: json({ cid, len: bytes, duplicate: optional(flag) })
    }),
    /** A pinned root is 409 `blob_pinned`. */
    delete: unary({
      verb: 'storage:delete',
      writes: true,
      relieves: true,
      content: 'cid',
      request: header({ cid }),
      answer: json({ cid })
    }),
    pin: unary({
      verb: 'storage:pin',
      writes: true,
      content: 'cid',
      request: header({ cid }),
      answer: json({ cid, pinned: flag })
    }),
    unpin: unary({
      verb: 'storage:pin',
      writes: true,
      relieves: true,
      content: 'cid',
      request: header({ cid, ttl_s: optional(seconds) }),
      answer: json({ cid, pinned: flag, expires_at: optional(ms) })
    }),
    /** `next` is the `after` of the page that follows. */
    list: unary({
      verb: 'storage:list',
      request: header({ after: optional(cid), max: optional(integer(1, LIMITS.listBlobs)) }),
      answer: json({ blobs: list(object(blobFields), LIMITS.listBlobs), next: optional(cid) })
    }),
    providers: unary({
      verb: 'storage:providers',
      content: 'cid',
      elseAnonymous: true,
      request: header({ cid, max: optional(integer(1, LIMITS.providers)) }),
      answer: json({ providers: list(object(providerFields), LIMITS.providers) })
    }),
    /** Of one blob, or without `cid` of all that the tenant has. */
    stat: unary({
      verb: 'storage:stat',
      content: 'cid',
      request: header({ cid: optional(cid) }),
      answer: json({
        blob: optional(object(blobFields)),
        blobs: bytes,
        bytes,
        bytes_most: bytes
      })
    })
  }
})

export type BlobRow = FieldValues<typeof blobFields>
export type PartialBlob = FieldValues<typeof partialFields>
export type Provider = FieldValues<typeof providerFields>
export type StorageClass = 'public' | 'federated' | 'private'
