import type { CallOptions, Client, Operations, ServiceTable } from '../protocols/index.ts'
import type { AdminClient } from '../node/index.ts'
import type { Hub } from '../sdk/index.ts'
import { CLIENT_OPTIONS, callingOf } from './client.ts'
import { CommandError } from './command-error.ts'
import type { Option } from './command.ts'
import { DATA_OPTION } from './command.ts'
import type { ExitName } from './exit-codes.ts'
import { EXIT } from './exit-codes.ts'
import { answeredError } from './failure.ts'
import type { Invocation } from './invocation.ts'
import { isOapError } from './oap-error.ts'
import { refusalAdvice } from './refusal-advice.ts'
import { printable } from './terminal.ts'

/** Who calls: a client with its key and capability, or the operator of a data folder; `whose` is what a tenant has there. */
export const callerOptions = (whose: string): readonly Option[] => [
  ...CLIENT_OPTIONS,
  { ...DATA_OPTION, summary: 'as the operator: ask the running node of this data folder', isRequired: false },
  {
    name: 'tenant',
    value: 'NAME',
    summary: `with --data: whose ${whose}, by name or id (default: default)`,
    completes: 'nothing'
  }
]

export const CALLER_DETAILS =
  'A client needs a capability for the verb in RON_CAP; with --data the operator needs none, and names the tenant.'

export const CALLER_EXITS: readonly ExitName[] = [
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

/** A service that a command speaks to. */
export interface CallerPlace<O extends Operations> {
  readonly rows: Client<O>
  /** What every call says besides. */
  readonly calling: CallOptions
  /** Undefined for the operator. */
  readonly hub: Hub | undefined
}

/** Where a service is found. */
export interface CalledService<O extends Operations> {
  readonly table: () => Promise<ServiceTable<O>>
  readonly ofAdmin: (admin: AdminClient) => Client<O>
}

/**
 * What `use` yields with the service of MULTIADDR, or of `--data`.
 * @throws CommandError, ConnectError, SetupError
 */
export async function withService<O extends Operations, T>(
  invocation: Invocation,
  service: CalledService<O>,
  use: (place: CallerPlace<O>) => Promise<T>
): Promise<T> {
  await using open = await openPlace(invocation, service)
  try {
    return await use(open)
  } catch (error) {
    throw refused(error)
  }
}

async function openPlace<O extends Operations>(
  invocation: Invocation,
  service: CalledService<O>
): Promise<CallerPlace<O> & AsyncDisposable> {
  const data = invocation.option('data')
  if (data !== undefined) return operatorsPlace(data, invocation.option('tenant') ?? 'default', service)
  if (invocation.option('tenant') !== undefined)
    throw new CommandError(EXIT.usage, '--tenant goes with --data; a capability says by itself whose it is')
  const { address, privateKey, cap } = await callingOf(invocation)
  const { createClient } = await import('../sdk/index.ts')
  const table = await service.table()
  const hub = await createClient({ url: address, key: privateKey, cap })
  const close = (): Promise<void> => hub.close()
  return { rows: hub.client(table), calling: {}, hub, [Symbol.asyncDispose]: close }
}

async function operatorsPlace<O extends Operations>(
  data: string,
  name: string,
  { ofAdmin }: CalledService<O>
): Promise<CallerPlace<O> & AsyncDisposable> {
  const { connectAdmin } = await import('../node/admin/admin-client.ts')
  const admin = await connectAdmin(data)
  const close = async (): Promise<void> => admin[Symbol.asyncDispose]()
  try {
    const { id } = await admin.capabilities.tenant_show({ tenant: name })
    return { rows: ofAdmin(admin), calling: { tenant: id }, hub: undefined, [Symbol.asyncDispose]: close }
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
