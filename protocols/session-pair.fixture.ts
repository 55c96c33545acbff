import { client } from './client.ts'
import { ClientSession } from './client-session.ts'
import type { ConnectionState } from './connection.ts'
import type { InboundBudget } from './frame-stream.ts'
import { integer } from './fields.ts'
import { DEFAULT_LIMITS } from './hello.ts'
import { memoryStreams } from './memory-streams.ts'
import { plainPlatform } from './platform.ts'
import { ServerSession } from './server-session.ts'
import type { ServerSessionOptions, SessionObserver } from './server-options.ts'
import {
  defineService,
  header,
  headerAndBody,
  json,
  nothing,
  opaque,
  serviceDirectory,
  streamed,
  subscription,
  unary
} from './service.ts'
import type { Call, ServiceDirectory } from './service.ts'

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

export class OpenBudget implements InboundBudget {
  held = 0
  readonly isSpent = false
  reserve(n: number): boolean {
    this.held += n
    return true
  }
  hold(n: number): void {
    this.held += n
  }
  release(n: number): void {
    this.held -= n
  }
  onRoom(): void {}
}

export class OpenConnection implements ConnectionState {
  readonly peer = 'peer'
  limits = DEFAULT_LIMITS
  readonly budget = new OpenBudget()
  calls = 0
  settle(): typeof DEFAULT_LIMITS {
    return this.limits
  }
  takeHello(): boolean {
    return true
  }
  openCall(): undefined {
    this.calls++
  }
  endCall(): void {
    this.calls--
  }
  received(_bytes: number): void {}
  streamed(_bytes: number): number {
    return 0
  }
  refused(_calls: number): number {
    return 0
  }
  proved(): void {}
}

export const quiet: SessionObserver = {
  started() {},
  answered() {},
  apart() {},
  rejected() {},
  inflated() {},
  failed() {},
  broke() {}
}

export const table = defineService({
  name: 'sample',
  app: 0x1001,
  operations: {
    echo: unary({ verb: 'sample:echo', request: headerAndBody({}), answer: opaque }),
    late: unary({ verb: 'sample:late', request: header({}), answer: json({ n: integer(0, 9) }) }),
    stream: streamed({ verb: 'sample:stream', request: headerAndBody({}), answer: nothing, upload: true }),
    many: subscription({
      verb: 'sample:many',
      request: header({ count: integer(0, 1000) }),
      event: opaque
    }),
    long: subscription({ verb: 'sample:long', request: header({}), event: opaque }),
    count: subscription({
      verb: 'sample:count',
      request: header({ to: integer(0, 1000) }),
      event: json({ n: integer(0, 1000) })
    })
  }
})

export interface Seen {
  signal?: AbortSignal
  sent: number
}

/** The handlers of `table`; they note in `seen` what they did. */
export function serving(seen: Seen): ServiceDirectory {
  return serviceDirectory([
    {
      table,
      handlers: {
        echo: ({ body = new Uint8Array(0) }: { body?: Uint8Array }) => body,
        late: (_: object, call: Call) =>
          new Promise((_resolve, reject) => {
            seen.signal = call.signal
            call.signal.addEventListener('abort', () => reject(call.signal.reason as Error))
          }),
        stream: (_: object, { body }: Call) => ({ head: undefined, body }),
        many: async function* ({ count }: { count: number }) {
          for (let n = 0; n < count; n++) yield new Uint8Array(5000)
        },
        long: async function* () {
          yield new Uint8Array(5000)
        },
        count: async function* ({ to }: { to: number }) {
          for (let n = 0; n < to; n++) {
            seen.sent = n + 1
            yield { n }
          }
        }
      } as never
    }
  ])
}

/** A client and a server session joined in memory, and everything that a test wants to look at. */
export function pair(options: Partial<ServerSessionOptions> = {}, isOwn = false) {
  const seen: Seen = { sent: 0 }
  const services = serving(seen)
  const [left, right] = memoryStreams()
  const connection = new OpenConnection()
  const server = new ServerSession(right, {
    connection,
    services,
    facts: () => ({
      serverVersion: 'test',
      transports: [],
      revocationSeq: 0,
      apps: [0, 0x1001],
      compression: false
    }),
    platform: plainPlatform,
    observer: quiet,
    ...options
  })
  const budget = new OpenBudget()
  const session = new ClientSession(left, {
    platform: plainPlatform,
    budget,
    limits: () => DEFAULT_LIMITS,
    isOwn
  })
  const calls = client(table, { shared: () => session, own: () => Promise.resolve(session) })
  return { calls, session, server, connection, seen, left, right, budget }
}
