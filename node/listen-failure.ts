import { SetupError, errorCode } from './setup-error.ts'

const CODES = ['EADDRINUSE', 'EADDRNOTAVAIL', 'EACCES']

/** What a failed start of the transport means for the operator; other errors come back as they are. */
export function listenFailure(listen: readonly string[], error: unknown): unknown {
  const text = error instanceof Error ? error.message : ''
  // libp2p puts the causes into its message; only their names are looked for.
  const codes = CODES.filter(code => errorCode(error) === code || text.includes(code))
  const where = listen.join(', ')
  if (codes.includes('EADDRINUSE')) {
    return new SetupError(
      'portInUse',
      `node.listen: a port of ${where} is taken; stop its owner or set another`,
      { cause: error }
    )
  }
  if (codes.includes('EADDRNOTAVAIL')) {
    return new SetupError('badAddress', `node.listen: this machine has no address of ${where}`, {
      cause: error
    })
  }
  if (codes.includes('EACCES')) {
    return new SetupError(
      'permission',
      `node.listen: no permission for a port of ${where}; ports below 1024 need root`,
      { cause: error }
    )
  }
  return error
}
