import { EXIT } from './exit-codes.ts'
import { timeText } from './quantity.ts'
import { printable } from './terminal.ts'
import { isOapError } from './oap-error.ts'

export interface Failure {
  readonly exitCode: number
  /** One line a problem, each ready to print. */
  readonly lines: readonly string[]
  /** Only for a fault of this program. */
  readonly stack?: string
}

const CONNECT_EXITS: Readonly<Record<string, number>> = {
  bad_address: EXIT.badAddress,
  unreachable: EXIT.unreachable,
  wrong_peer: EXIT.unreachable,
  not_oap: EXIT.notOap
}

const MAX_LINE = 2000

/** What LevelDB says, and the way out: the store is whole, and a backup would lose what came after it. */
const LACKING: readonly (readonly [RegExp, string])[] = [
  [/no space left on device|disk quota exceeded/i, 'make room on its disk'],
  [/too many open files/i, 'raise the limit of open files with: ulimit -n']
]

/** What an error means to the person at the terminal. Errors are known by their members, so that none need loading. */
export function describeFailure(error: unknown): Failure {
  if (!(error instanceof Error)) return bug(new Error(String(error)))
  const known = error as Error & {
    exitCode?: unknown
    problems?: unknown
    code?: unknown
    status?: unknown
    corrId?: unknown
  }
  if (typeof known.exitCode === 'number') {
    const lines = Array.isArray(known.problems) ? known.problems.map(String) : [known.message]
    return { exitCode: known.exitCode, lines: lines.map(line => printable(line, MAX_LINE)) }
  }
  if (known.name === 'ConnectError') {
    const exitCode = CONNECT_EXITS[String(known.code)]
    if (exitCode !== undefined) return { exitCode, lines: [printable(known.message, MAX_LINE)] }
  }
  if (known.code === 'LEVEL_CORRUPTION' || known.code === 'LEVEL_IO_ERROR') return failedStore(known)
  if (isOapError(known)) return { exitCode: EXIT.failed, lines: [answeredError(known)] }
  return bug(error)
}

/** Found while a command used the store of a stopped node. */
function failedStore({ code, message }: { readonly code?: unknown; readonly message: string }): Failure {
  const isIo = code === 'LEVEL_IO_ERROR'
  const [, remedy] = (isIo && LACKING.find(([words]) => words.test(message))) || []
  const text =
    remedy === undefined
      ? `cannot be read: ${message}; if the disk is sound it is damaged: restore it from a backup`
      : `cannot be used: ${message}; ${remedy}`
  return {
    exitCode: isIo ? EXIT.io : EXIT.badInput,
    lines: [printable(`the store of the data folder ${text}`, MAX_LINE)]
  }
}

export interface AnsweredError {
  readonly message: string
  readonly code?: unknown
  readonly status?: unknown
  readonly corrId?: unknown
  readonly retryAfterMs?: unknown
}

/** An error answer in one line: status, code, message, the id under which its node logged it, when to try again. */
export function answeredError({ code, status, message, corrId, retryAfterMs }: AnsweredError): string {
  const id = typeof corrId === 'bigint' ? `, corr_id ${corrId.toString(16).padStart(16, '0')}` : ''
  const again = typeof retryAfterMs === 'number' ? `; try again in ${timeText(retryAfterMs)}` : ''
  return printable(`the answer is ${String(status)} ${String(code)}: ${message}${id}${again}`, MAX_LINE)
}

const bug = (error: Error): Failure => ({
  exitCode: EXIT.bug,
  lines: ['a fault of this program; please report it with what follows'],
  stack: error.stack ?? error.message
})
