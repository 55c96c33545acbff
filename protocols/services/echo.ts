import { integer, optional } from '../fields.ts'
import {
  defineService,
  header,
  headerAndBody,
  json,
  nothing,
  opaque,
  streamed,
  subscription,
  unary
} from '../service.ts'

/** App 0x0001: gives back what it gets. The model for every other service. @see specs/oap-1.md, Echo */
export const echoService = defineService({
  name: 'echo',
  app: 0x0001,
  operations: {
    echo: unary({ verb: 'echo:call', request: headerAndBody({}), answer: opaque, mirrorsSeal: true }),
    stream: streamed({
      verb: 'echo:call',
      request: headerAndBody({}),
      answer: nothing,
      upload: true,
      mirrorsSeal: true
    }),
    ticks: subscription({
      verb: 'echo:call',
      request: header({ count: integer(1, 1_000_000), interval_ms: optional(integer(0, 60_000)) }),
      event: json({ n: integer(0, 999_999) })
    }),
    work: unary({
      verb: 'echo:call',
      request: header({ ms: integer(0, 1000) }),
      answer: json({ ms: integer(0, 1000) })
    })
  }
})
