import type { Stream } from '@libp2p/interface'
import {
  DEFAULT_LIMITS,
  OapError,
  ServerSession,
  federationService,
  plainPlatform,
  serviceDirectory
} from '../../../protocols/index.ts'
import type { ConnectionState, HelloFacts, Service, SessionObserver } from '../../../protocols/index.ts'
import { nowS } from './exchanging.ts'
import type { RunnerHub } from './keys.ts'
import { revokedKeyLine, runnerKey, sha256Hex } from './signing.ts'
import type { RunnerKey } from './signing.ts'

/** Within the time of every delegation of the runner, and over. */
const LONG_AGO_S = 1_700_000_100

/** The keys of the runner's hub that sign messages: one that may, one whose time is over, one that is revoked. */
export const messageKeys = (hub: RunnerHub): Record<'good' | 'past' | 'revoked', RunnerKey> => ({
  good: runnerKey(hub, 'message', 'conformance'),
  past: runnerKey(hub, 'message', 'conformance-past', LONG_AGO_S),
  revoked: runnerKey(hub, 'message', 'conformance-revoked')
})

/**
 * Answers a node that asks the runner's hub back over their link: what its hub key has signed, without which no message of
 * it is taken, and that the link lives. Everything else is not found.
 */
export function homeAnswers(hub: RunnerHub): (stream: Stream) => void {
  const { good, past, revoked } = messageKeys(hub)
  // What was delegated before it was revoked is known as revoked, and not unknown.
  const lines = [good.line, past.line, revoked.line, revokedKeyLine(hub, revoked.hex)].map(
    line => `${line}\n`
  )
  const handlers = {
    ...Object.fromEntries(Object.keys(federationService.operations).map(op => [op, refuse])),
    keys: ({ from }: { readonly from: number }) => ({
      total: lines.length,
      digest: sha256Hex(lines.join('')),
      body: Buffer.from(lines.slice(from).join(''))
    }),
    probe: () => ({ time: nowS(), revocation_seq: 0 })
  }
  const services = serviceDirectory([{ table: federationService, handlers } as unknown as Service])
  return stream =>
    void new ServerSession(stream, {
      connection: new OpenConnection(),
      services,
      facts: () => FACTS,
      platform: plainPlatform,
      observer: QUIET
    })
}

const FACTS: HelloFacts = {
  serverVersion: 'conformance',
  transports: [],
  revocationSeq: 0,
  apps: [],
  compression: false
}

const refuse = (): never => {
  throw new OapError('not_found')
}

/** A connection on which everything is allowed. */
class OpenConnection implements ConnectionState {
  readonly peer = 'the node under test'
  readonly limits = DEFAULT_LIMITS
  readonly budget = { isSpent: false, reserve: () => true, hold() {}, release() {}, onRoom() {} }
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
