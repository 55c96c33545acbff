import pino, { type DestinationStream, type Logger } from 'pino'
import type { Config } from './config/index.ts'
import { SetupError } from './setup-error.ts'

export type Log = Logger

// A value under one of these names is never written, however deep it lies (to the depth below).
const SECRET_KEYS = ['cap', 'token', 'secret', 'body', 'payload', 'password', 'authorization', 'privateKey']
// Who talks to this node is written only when the operator asked for debug.
const PEER_KEYS = [
  'peer',
  'peerId',
  'remotePeer',
  'address',
  'addr',
  'multiaddr',
  'remoteAddr',
  'remoteAddress'
]
const REDACTED_DEPTH = 4

const VERBOSE = new Set(['debug', 'trace'])

/**
 * A log of one JSON object a line, to standard error or to the configured file. Lines are written before the call
 * returns. Values named `cap`, `token`, `secret`, `body`, `payload` and the like are replaced; peers and addresses too,
 * unless the level is `debug` or `trace`. Messages are not searched: put values in the object, never into the text.
 * @throws SetupError `io` when the file cannot be opened.
 */
export function createLog(
  { level, file }: Config['log'],
  { to = destination(file) }: { to?: DestinationStream } = {}
): Log {
  const hidden = VERBOSE.has(level) ? SECRET_KEYS : [...SECRET_KEYS, ...PEER_KEYS]
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: label => ({ level: label }) },
      redact: { paths: hidden.flatMap(pathsOf), censor: '[hidden]' }
    },
    to
  )
}

function pathsOf(key: string): string[] {
  return Array.from({ length: REDACTED_DEPTH }, (_, depth) => '*.'.repeat(depth) + key)
}

function destination(file: string): DestinationStream {
  if (file === '') return pino.destination({ dest: 2, sync: true })
  try {
    return pino.destination({ dest: file, sync: true, append: true, mode: 0o600 })
  } catch (error) {
    throw new SetupError('io', `log.file: cannot append to ${file}; choose another file or leave it empty`, {
      cause: error
    })
  }
}
