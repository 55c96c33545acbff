/** What each exit code of the command line means. The numbers follow sysexits(3) where it has a fitting one. */
export const EXIT = {
  ok: 0,
  /** The command ran to its end and the answer is no: a check failed, a peer answered with an error. */
  failed: 1,
  /** The command line itself is wrong. */
  usage: 64,
  /** A file or an argument was read and makes no sense: damaged key, foreign folder, wrong hex. */
  badInput: 65,
  /** A file or folder that must be there is not. */
  noInput: 66,
  /** A multiaddr that cannot be parsed or that no transport of ours serves. */
  badAddress: 67,
  /** The peer did not answer: refused, timed out, no route. */
  unreachable: 69,
  /** A fault of this program; the only case that prints a stack trace. */
  bug: 70,
  /** A port that we were told to listen on is taken. */
  portInUse: 71,
  /** Written by a newer version of this program. */
  newerFormat: 72,
  /** Something is already where a new file or folder should go. */
  cannotCreate: 73,
  /** Reading or writing failed: disk full, device error. */
  io: 74,
  /** The data folder belongs to a running process; may work later. */
  inUse: 75,
  /** The peer answered, but does not speak OAP/1. */
  notOap: 76,
  /** No permission, or a secret that others may read. */
  permission: 77,
  /** The configuration is wrong: unknown key, value out of bounds. */
  config: 78,
  /** Ended by Ctrl-C. */
  interrupted: 130
} as const

export type ExitName = keyof typeof EXIT

/**
 * A condition that the person at the terminal can mend. The message is one line that names the subject and the
 * way out; it is printed without a stack trace, and the process ends with `exitCode`.
 */
export class SetupError extends Error {
  override readonly name: string = 'SetupError'
  readonly reason: ExitName
  readonly exitCode: number

  constructor(reason: ExitName, message: string, options?: ErrorOptions) {
    super(message, options)
    this.reason = reason
    this.exitCode = EXIT[reason]
  }
}

const SYSTEM_REASONS: Readonly<Record<string, readonly [ExitName, string]>> = {
  ENOENT: ['noInput', 'does not exist; check the path'],
  ENOTDIR: ['noInput', 'part of the path is not a folder; check the path'],
  EISDIR: ['badInput', 'is a folder, not a file; move it away, or give the path of a file'],
  EACCES: ['permission', 'permission denied: run as the user who owns it'],
  EPERM: ['permission', 'operation not permitted: run as the user who owns it'],
  EROFS: ['permission', 'lies on a read-only file system; choose another folder'],
  EEXIST: ['cannotCreate', 'already exists; move it away or give another name'],
  ENOSPC: ['io', 'no space left on the device; make room there'],
  EDQUOT: ['io', 'disk quota exceeded; make room there'],
  ELOOP: ['badInput', 'is a loop of symbolic links; remove one of them'],
  ENAMETOOLONG: ['badInput', 'a name in it is too long; give a shorter one'],
  EMFILE: ['io', 'too many open files; raise the limit with: ulimit -n'],
  EIO: ['io', 'the device failed; look at the log of the system']
}

/** The same system error as a `SetupError` about `subject`; other errors come back untouched. */
export function systemError(subject: string, error: unknown): unknown {
  if (error instanceof SetupError) return error
  const code = errorCode(error)
  if (code === undefined) return error
  const [reason, message] = SYSTEM_REASONS[code] ?? ['io', `system error ${code}`]
  return new SetupError(reason, `${subject}: ${message}`, { cause: error })
}

/** The `code` of a Node.js error, if it has one. */
export function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}
