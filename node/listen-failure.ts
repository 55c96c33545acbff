import { SetupError, errorCode } from './setup-error.ts'

/** What a failed start of the transport means for the operator; other errors come back as they are. */
export function listenFailure(listen: readonly string[], error: unknown): unknown {
  const codes = causes(error).map(errorCode)
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

function causes(error: unknown): unknown[] {
  if (!(error instanceof Error)) return []
  const inner = error instanceof AggregateError ? error.errors : []
  return [error, ...[error.cause, ...(inner as unknown[])].flatMap(causes)]
}
