import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { AuditClient, ExitName } from '../node/index.ts'
import { CommandError } from './command-error.ts'
import { DATA_OPTION } from './command.ts'
import { dataConfig } from './data-config.ts'
import { EXIT } from './exit-codes.ts'
import { answeredError } from './failure.ts'
import type { Invocation } from './invocation.ts'
import { asCalled, shellWord } from './self.ts'
import { printable } from './terminal.ts'
import { isOapError } from './oap-error.ts'

export interface OpenAudit {
  readonly audit: AuditClient
  /** Whether a node answers, and not this process for a stopped one. */
  readonly isRunning: boolean
}

/**
 * What `use` yields with the audit log of `--data`: of its running node, else of the folder, which this process then
 * holds. With `mayBegin` a hub that never ran is given its log.
 * @throws CommandError, SetupError
 */
export async function withAudit<T>(
  invocation: Invocation,
  use: (open: OpenAudit) => Promise<T>,
  { mayBegin = false } = {}
): Promise<T> {
  await using open = await openAudit(invocation, mayBegin)
  try {
    return await use(open)
  } catch (error) {
    throw refused(error, invocation.neededOption(DATA_OPTION))
  }
}

async function openAudit(invocation: Invocation, mayBegin: boolean): Promise<OpenAudit & AsyncDisposable> {
  const { connectAdmin, directAudit, openStopped, SetupError } = await import('../node/index.ts')
  const data = invocation.neededOption(DATA_OPTION)
  const { terminal } = invocation
  try {
    const admin = await connectAdmin(data)
    return { audit: admin.audit, isRunning: true, [Symbol.asyncDispose]: () => admin[Symbol.asyncDispose]() }
  } catch (error) {
    if (!(error instanceof SetupError) || error.reason !== 'unreachable') throw error
  }
  if (!mayBegin && !existsSync(join(data, 'audit'))) throw noLog(data)
  const config = await dataConfig(data, { env: terminal.env })
  const warn = ({ event }: { readonly event: string }): void => terminal.note(`omnigate: repaired: ${event}`)
  const hub = await openStopped(data, { config, warn })
  const close = async (): Promise<void> => hub[Symbol.asyncDispose]()
  return { audit: directAudit(hub), isRunning: false, [Symbol.asyncDispose]: close }
}

function noLog(data: string): CommandError {
  const start = asCalled(`omnigate start --data ${shellWord(data)}`)
  return new CommandError(
    EXIT.noInput,
    `${resolve(data)}: no audit log yet; it begins with the first start: ${start}`
  )
}

/** A refusal by its code; what the node could not do on its own machine has the exit code that it has here. */
function refused(error: unknown, data: string): unknown {
  if (!isOapError(error)) return error
  const { code, reason } = error as Error & { code?: unknown; reason?: unknown }
  const message = printable(error.message, 1000)
  const [, setup = ''] = /^setup_([A-Za-z]+)$/.exec(String(code)) ?? []
  if (setup in EXIT) return new CommandError(EXIT[setup as ExitName], message, { cause: error })
  if (code === 'bad_request') return new CommandError(EXIT.usage, message, { cause: error })
  if (code === 'not_found') return new CommandError(EXIT.failed, message, { cause: error })
  if (reason === 'session_lost')
    return new CommandError(EXIT.unreachable, `the node of ${data} went away; try again`, { cause: error })
  return new CommandError(EXIT.failed, answeredError(error), { cause: error })
}
