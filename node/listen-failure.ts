import { SetupError, errorCode } from './setup-error.ts'
import type { ExitName } from './setup-error.ts'

const OTHER = 'choose another with --listen or node.listen'

const MEANINGS: readonly (readonly [code: string, reason: ExitName, text: (where: Where) => string])[] = [
  ['EADDRINUSE', 'portInUse', ({ port, on }) => `${port}${on} is taken; stop its owner, or ${OTHER}`],
  ['EADDRNOTAVAIL', 'badAddress', ({ host }) => `this machine has no address ${host}; ${OTHER}`],
  [
    'EACCES',
    'permission',
    ({ port, on }) => `no permission for ${port}${on}; below 1024 needs root: ${OTHER}`
  ]
]

interface Where {
  readonly host: string
  readonly port: string
  readonly on: string
}

/** What a failed start of the transport means for the operator; other errors come back as they are. */
export function listenFailure(listen: readonly string[], error: unknown): unknown {
  const text = error instanceof Error ? error.message : ''
  for (const [code, reason, say] of MEANINGS) {
    // libp2p puts the causes into its message.
    if (errorCode(error) !== code && !text.includes(code)) continue
    return new SetupError(reason, `node.listen: ${say(whereOf(code, text, listen))}`, { cause: error })
  }
  return error
}

/** The address in `listen EADDRINUSE: address already in use 127.0.0.1:4801`. */
function whereOf(code: string, text: string, listen: readonly string[]): Where {
  const [, host, port] = new RegExp(`${code}\\b[^\\n]* (\\S+):(\\d+)$`, 'm').exec(text) ?? []
  if (host === undefined)
    return { host: `of ${listen.join(', ')}`, port: `a port of ${listen.join(', ')}`, on: '' }
  return { host, port: `port ${port}`, on: ` on ${host}` }
}
