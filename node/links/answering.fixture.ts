import type { Stream } from '@libp2p/interface'
import {
  DEFAULT_LIMITS,
  OapError,
  ServerSession,
  plainPlatform,
  serviceDirectory
} from '../../protocols/index.ts'
import type {
  ConnectionState,
  Handlers,
  Operations,
  Service,
  ServiceTable,
  SessionObserver
} from '../../protocols/index.ts'

/** A service whose calls without a handler are not found. */
export function partly<O extends Operations>(
  table: ServiceTable<O>,
  handlers: Partial<Handlers<O>>
): Service {
  const refusals = Object.keys(table.operations).map(op => [op, refuse])
  return { table, handlers: { ...Object.fromEntries(refusals), ...handlers } } as unknown as Service
}

/** Answers calls of some services on the streams of a bare peer. */
export function answering(...all: readonly Service[]): (stream: Stream) => void {
  const services = serviceDirectory(all)
  return stream =>
    void new ServerSession(stream, {
      connection: new OpenConnection(),
      services,
      facts: () => ({ name: 'bare', hub: '', caps: [], revocation_seq: 0 }) as never,
      platform: plainPlatform,
      observer: QUIET
    })
}

const refuse = (): never => {
  throw new OapError('not_found')
}

/** A connection that everything is allowed on. */
class OpenConnection implements ConnectionState {
  readonly peer = 'anybody'
  readonly limits = DEFAULT_LIMITS
  readonly budget = {
    isSpent: false,
    reserve: () => true,
    hold() {},
    release() {},
    onRoom() {}
  }
  settle(): typeof DEFAULT_LIMITS {
    return DEFAULT_LIMITS
  }
  takeHello(): boolean {
    return true
  }
  openCall(): undefined {}
  endCall(): void {}
  received(): void {}
  streamed(): number {
    return 0
  }
  refused(): number {
    return 0
  }
  proved(): void {}
}

const QUIET: SessionObserver = {
  started() {},
  answered() {},
  apart() {},
  rejected() {},
  inflated() {},
  failed() {},
  broke() {}
}
