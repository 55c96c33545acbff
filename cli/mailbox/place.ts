import type { CallOptions, Client, MailboxDelivery, mailboxService } from '../../protocols/index.ts'
import type { Hub } from '../../sdk/index.ts'
import { CLIENT_OPTIONS, callingOf } from '../client.ts'
import { CommandError } from '../command-error.ts'
import type { Argument, Option } from '../command.ts'
import { DATA_OPTION, NODE_ARGUMENT } from '../command.ts'
import type { ExitName } from '../exit-codes.ts'
import { EXIT } from '../exit-codes.ts'
import { answeredError } from '../failure.ts'
import type { Invocation } from '../invocation.ts'
import { refusalAdvice } from '../refusal-advice.ts'
import { printable } from '../terminal.ts'
import { isOapError } from '../oap-error.ts'

export const TOPIC_ARGUMENT: Argument = {
  name: 'TOPIC',
  summary: 'the topic, such as dispatch/SF',
  completes: 'nothing'
}

export const MAILBOX_ARGUMENTS: readonly Argument[] = [TOPIC_ARGUMENT, NODE_ARGUMENT]

/** Who calls: a client with its key and capability, or the operator of a data folder. */
export const CALLER_OPTIONS: readonly Option[] = [
  ...CLIENT_OPTIONS,
  { ...DATA_OPTION, summary: 'as the operator: ask the running node of this data folder', isRequired: false },
  {
    name: 'tenant',
    value: 'NAME',
    summary: 'with --data: whose mailbox, by name or id (default: default)',
    completes: 'nothing'
  }
]

export const CALLER_DETAILS =
  'A client needs a capability for the verb in RON_CAP; with --data the operator needs none, and names the tenant.'

export const MAILBOX_EXITS: readonly ExitName[] = [
  'failed',
  'badInput',
  'noInput',
  'badAddress',
  'unreachable',
  'newerFormat',
  'io',
  'notOap',
  'permission'
]

type Rows = Client<(typeof mailboxService)['operations']>

/** The mailbox that a command speaks to. */
export interface MailboxPlace {
  readonly rows: Rows
  /** What every call says besides. */
  readonly calling: CallOptions
  /** Undefined for the operator. */
  readonly hub: Hub | undefined
}

export type Delivered = MailboxDelivery

/**
 * What `use` yields with the mailbox of MULTIADDR, or of `--data`.
 * @throws CommandError, ConnectError, SetupError
 */
export async function withMailbox<T>(
  invocation: Invocation,
  use: (place: MailboxPlace) => Promise<T>
): Promise<T> {
  await using open = await openMailbox(invocation)
  try {
    return await use(open)
  } catch (error) {
    throw refused(error)
  }
}

async function openMailbox(invocation: Invocation): Promise<MailboxPlace & AsyncDisposable> {
  const data = invocation.option('data')
  if (data !== undefined) return operatorsMailbox(data, invocation.option('tenant') ?? 'default')
  if (invocation.option('tenant') !== undefined)
    throw new CommandError(EXIT.usage, '--tenant goes with --data; a capability says by itself whose it is')
  const { address, privateKey, cap } = await callingOf(invocation)
  const { createClient } = await import('../../sdk/index.ts')
  const { mailboxService } = await import('../../protocols/index.ts')
  const hub = await createClient({ url: address, key: privateKey, cap })
  const close = (): Promise<void> => hub.close()
  return { rows: hub.client(mailboxService), calling: {}, hub, [Symbol.asyncDispose]: close }
}

async function operatorsMailbox(data: string, name: string): Promise<MailboxPlace & AsyncDisposable> {
  const { connectAdmin } = await import('../../node/index.ts')
  const admin = await connectAdmin(data)
  const close = async (): Promise<void> => admin[Symbol.asyncDispose]()
  try {
    const { id } = await admin.capabilities.tenant_show({ tenant: name })
    return { rows: admin.mailbox, calling: { tenant: id }, hub: undefined, [Symbol.asyncDispose]: close }
  } catch (error) {
    await close()
    throw refused(error)
  }
}

/** What a refusal means to the person at the terminal; other errors say it themselves. */
function refused(error: unknown): unknown {
  if (!isOapError(error)) return error
  const { code, reason, counted } = error as Error & {
    readonly code?: unknown
    readonly reason?: unknown
    readonly counted?: unknown
  }
  if (reason === 'session_lost')
    return new CommandError(EXIT.unreachable, `${error.message}; try again`, { cause: error })
  if (counted === 'bad_request')
    return new CommandError(EXIT.usage, printable(error.message), { cause: error })
  const advice = refusalAdvice({ code, reason })
  const way = advice === undefined ? '' : `; ${advice}`
  return new CommandError(EXIT.failed, `${answeredError(error)}${way}`, { cause: error })
}
