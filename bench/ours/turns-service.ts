import { defineService, headerAndBody, opaque, unary } from 'omnigate/protocols'

/** A private app whose answers come after some turns of the event loop. */
export const turnsService = defineService({
  name: 'bench_turns',
  app: 0x8001,
  operations: { echo: unary({ verb: 'bench:call', request: headerAndBody({}), answer: opaque }) }
})
