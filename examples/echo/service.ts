import {
  defineService,
  headerAndBody,
  opaque,
  streamed,
  nothing,
  integer,
  optional,
  unary
} from 'omnigate/protocols'

/** What the application offers: both sides import this table. Ids from 0x8000 on need no registration. */
export const shoutService = defineService({
  name: 'shout',
  app: 0x8001,
  operations: {
    /** Gives the text back in capitals, `times` over. A sealed body comes back as it is. */
    shout: unary({
      verb: 'shout:call',
      request: headerAndBody({ times: optional(integer(1, 10)) }),
      answer: opaque,
      mirrorsSeal: true
    }),
    /** The same for a body of any length, piece by piece. */
    shout_long: streamed({
      verb: 'shout:call',
      request: headerAndBody({}),
      answer: nothing,
      upload: true,
      mirrorsSeal: true
    })
  }
})
