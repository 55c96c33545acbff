import { ConnectError } from './connect-error.ts'
import type { ConnectErrorCode } from './connect-error.ts'

type Reading = readonly [ConnectErrorCode, string]

const UNSERVED: Reading = [
  'bad_address',
  'no transport here serves it; write /ip4/ADDRESS/tcp/PORT/p2p/PEER_ID, with /ws behind the port for WebSockets'
]
const REFUSED: Reading = ['unreachable', 'no node listens there; check that it runs, and its address']
const NO_NAME: Reading = ['unreachable', 'its name cannot be resolved; check the name, and the network']
const NO_WAY: Reading = ['unreachable', 'no way leads there; check the address, and the network']
const NO_ANSWER: Reading = ['unreachable', 'no answer in time; check the address, and firewalls on the way']
const NO_WEBSOCKET: Reading = [
  'unreachable',
  'no WebSocket opens there; check that the node runs, and that it prints this address with /ws'
]
const HUNG_UP: Reading = [
  'unreachable',
  'the connection was cut off at once; the node may be full, or the port is one for /ws or of another program'
]
const SILENT: Reading = [
  'unreachable',
  'something takes the connection there but does not answer; check the port, or try again if the node is overloaded'
]
const WRONG_PEER: Reading = [
  'wrong_peer',
  'another peer answers there than the address names; copy the address again from its node'
]
const NO_LIBP2P: Reading = [
  'not_oap',
  'something answers there, but it is no libp2p node; check the port against what the node printed'
]
const NO_COMMON_ENCRYPTION: Reading = [
  'not_oap',
  'the peer shares no encryption with this client; allow noise and tls on one of the two'
]
const NO_OAP: Reading = ['not_oap', 'the peer does not speak OAP/1 (/oap/1.0.0)']
const BROKE_OFF: Reading = ['unreachable', 'no node answers there; check that it runs, and its address']

const SYSTEM_CODES: Readonly<Record<string, Reading>> = {
  ECONNREFUSED: REFUSED,
  ECONNRESET: HUNG_UP,
  EPIPE: HUNG_UP,
  ENOTFOUND: NO_NAME,
  EAI_AGAIN: NO_NAME,
  EHOSTUNREACH: NO_WAY,
  ENETUNREACH: NO_WAY,
  ETIMEDOUT: NO_ANSWER,
  UND_ERR_CONNECT_TIMEOUT: NO_ANSWER
}

/** What a code of the system, which a dial or a request failed with, means in words. */
export const problemOfSystem = (code: string): string | undefined => SYSTEM_CODES[code]?.[1]

const NAMES: Readonly<Record<string, Reading>> = {
  NoValidAddressesError: UNSERVED,
  DNSQueryFailedError: NO_NAME,
  UnsupportedProtocolError: NO_OAP,
  UnexpectedEOFError: HUNG_UP,
  TimeoutError: NO_ANSWER,
  AbortError: NO_ANSWER
}

/**
 * libp2p keeps only the message of what went wrong while a connection was being encrypted. It reads the first letter of
 * a text protocol as the length of a message, 32 to 126; its own messages at that place are shorter or longer.
 */
const HANDSHAKES: readonly (readonly [RegExp, Reading])[] = [
  [/match expected remote identity key|^Unexpected Peer$/, WRONG_PEER],
  [/aborted|timeout|too long/i, SILENT],
  [/could not negotiate/, NO_COMMON_ENCRYPTION],
  [/while reading \d+\/(3[2-9]|[4-9]\d|1[01]\d|12[0-6]) bytes/, NO_LIBP2P],
  [/unexpected EOF|stream closed|^Encryption failed$|closed during|reset|EPIPE/i, HUNG_UP]
]

/** What a dial, or the opening of the first stream, failed of: in words for whoever has to mend it. */
export function dialFailure(address: string, error: unknown): ConnectError {
  const [code, problem] = reading(error, address)
  return new ConnectError(code, address, problem, { cause: error })
}

function reading(error: unknown, address: string): Reading {
  // A name may stand for several addresses; the last says as much as any.
  if (error instanceof AggregateError && error.name !== 'DNSQueryFailedError') {
    return reading(error.errors.at(-1), address)
  }
  const { name, code, message } = membersOf(error)
  if (name === 'EncryptionFailedError') {
    return HANDSHAKES.find(([pattern]) => pattern.test(message))?.[1] ?? NO_LIBP2P
  }
  const known = SYSTEM_CODES[code] ?? NAMES[name]
  if (known !== undefined) return known
  // A WebSocket keeps to itself why it did not open.
  return /\/wss?(\/|$)/.test(address) ? NO_WEBSOCKET : BROKE_OFF
}

function membersOf(error: unknown): { name: string; code: string; message: string } {
  const { name, code, message } = (error ?? {}) as { name?: unknown; code?: unknown; message?: unknown }
  return { name: String(name), code: String(code), message: String(message) }
}
