import { integer, list, optional, text } from '../fields.ts'
import { defineService, header, headerAndBody, json, jsonObject, record, unary } from '../service.ts'

const MAX_SAFE = Number.MAX_SAFE_INTEGER

/** Judged without regard to what the token allows: whoever may use a token may ask for its renewal. */
export const RENEW_VERB = 'cap:renew'

/** Judged by who may use a token and for which verbs, not by what they are about: it asks for a token elsewhere. */
export const OBTAIN_VERB = 'cap:obtain'

/** What a treaty names for hubs that may exchange capabilities. */
export const EXCHANGE_VERB = 'cap:exchange'

const capId = text(32)
const kid = integer(1, 0xffff_ffff)
const seconds = integer(0, MAX_SAFE)
const addresses = list(text(512), 16)

/** App 0x0002: what holders of capabilities and linked hubs ask. @see specs/revocation.md */
export const capabilitiesService = defineService({
  name: 'capabilities',
  app: 0x0002,
  operations: {
    /** The body of the answer is the new token's bytes; `now` is the hub's time, by which it expires. */
    renew: unary({
      verb: RENEW_VERB,
      request: header({}),
      answer: record({
        cap_id: text(32),
        kid: integer(1, 0xffff_ffff),
        expires: integer(0, MAX_SAFE),
        now: optional(integer(0, MAX_SAFE))
      })
    }),
    revocations: unary({
      verb: 'cap:revocations',
      request: header({ from: integer(0, MAX_SAFE) }),
      answer: jsonObject
    }),
    /**
     * The right of the call's capability at another hub, for a while. `verb` and `topic` are lists divided by commas;
     * the body of the answer is a token of that hub, which `addresses` lead to.
     */
    obtain: unary({
      verb: OBTAIN_VERB,
      writes: true,
      request: header({
        hub: text(54),
        verb: text(2048),
        topic: optional(text(3072)),
        share: optional(text(32))
      }),
      answer: record({ cap_id: capId, kid, expires: seconds, addresses })
    }),
    /** Over a link alone. The body is the line of the statement, that of the answer the token. */
    exchange: unary({
      verb: EXCHANGE_VERB,
      writes: true,
      request: headerAndBody({}),
      answer: record({ cap_id: capId, kid, expires: seconds, addresses })
    }),
    /**
     * Over a link alone: what the calling hub has revoked, and where its list stands. The body is the JSON of
     * `delegations`, `head` and `statements`; `seq` is up to where the answering hub follows.
     */
    revoked: unary({
      verb: EXCHANGE_VERB,
      writes: true,
      relieves: true,
      request: headerAndBody({}),
      answer: json({ seq: seconds })
    })
  }
})
