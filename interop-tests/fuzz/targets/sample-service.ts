import {
  OapError,
  defineService,
  header,
  headerAndBody,
  integer,
  json,
  nothing,
  opaque,
  serviceDirectory,
  streamed,
  subscription,
  unary
} from 'omnigate/protocols'
import type { Call, ServiceDirectory } from 'omnigate/protocols'

export const MOST_EVENTS = 50

/**
 * A row of each kind, each with a handler that takes another way through a session.
 * A table remembers what it encoded last: each run makes its own, so that runs do not depend on each other.
 */
export const sampleTable = () =>
  defineService({
    name: 'sample',
    app: 0x1001,
    operations: {
      echo: unary({ verb: 'sample:any', request: headerAndBody({}), answer: opaque, mirrorsSeal: true }),
      soon: unary({ verb: 'sample:any', request: headerAndBody({}), answer: opaque }),
      late: unary({ verb: 'sample:any', request: header({}), answer: json({ n: integer(0, 9) }) }),
      fails: unary({ verb: 'sample:any', request: header({}), answer: opaque }),
      sum: unary({
        verb: 'sample:any',
        request: header({}),
        answer: json({ n: integer(0, 2 ** 40) }),
        upload: true
      }),
      first: unary({ verb: 'sample:any', request: header({}), answer: opaque, upload: true }),
      stream: streamed({ verb: 'sample:any', request: headerAndBody({}), answer: nothing, upload: true }),
      count: subscription({
        verb: 'sample:any',
        request: header({ to: integer(0, MOST_EVENTS) }),
        event: json({ n: integer(0, MOST_EVENTS) })
      })
    }
  })

const EMPTY = new Uint8Array(0)

async function untilAborted(_: object, { signal }: Call): Promise<never> {
  if (!signal.aborted) await new Promise(resolve => signal.addEventListener('abort', resolve))
  throw signal.reason as Error
}

async function sum(_: object, { body }: Call): Promise<{ n: number }> {
  let n = 0
  for await (const piece of body) n += piece.length
  return { n }
}

async function first(_: object, { body }: Call): Promise<Uint8Array> {
  for await (const piece of body) return piece
  return EMPTY
}

async function* count({ to }: { to: number }): AsyncGenerator<{ n: number }> {
  for (let n = 0; n < to; n++) yield { n }
}

export const sampleServices = (): ServiceDirectory =>
  serviceDirectory([
    {
      table: sampleTable(),
      handlers: {
        echo: ({ body = EMPTY }: { body?: Uint8Array }) => body,
        soon: async ({ body = EMPTY }: { body?: Uint8Array }) => {
          const kept = body.slice()
          await new Promise(resolve => setImmediate(resolve))
          return kept
        },
        late: untilAborted,
        fails: () => {
          throw new OapError('conflict', 'as it should')
        },
        sum,
        first,
        stream: (_: object, { body }: Call) => ({ head: undefined, body }),
        count
      } as never
    }
  ])
