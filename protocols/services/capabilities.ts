import { integer, optional, text } from '../fields.ts'
import { defineService, header, jsonObject, record, unary } from '../service.ts'

const MAX_SAFE = Number.MAX_SAFE_INTEGER

/** Judged without regard to what the token allows: whoever may use a token may ask for its renewal. */
export const RENEW_VERB = 'cap:renew'

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
    })
  }
})
