import type { CapabilityClient, FederationClient, HubKeyGiven } from '../node/index.ts'
import { CommandError } from './command-error.ts'
import { DATA_OPTION } from './command.ts'
import { dataConfig } from './data-config.ts'
import { withDeadline } from './deadline.ts'
import { EXIT } from './exit-codes.ts'
import type { ExitName } from './exit-codes.ts'
import { answeredError } from './failure.ts'
import type { Invocation } from './invocation.ts'
import { printable } from './terminal.ts'
import { isOapError } from './oap-error.ts'

const ANSWER_MS = 10_000

/** How the commands of an operator may end. */
export const OPERATOR_EXITS: readonly ExitName[] = [
  'failed',
  'badInput',
  'noInput',
  'unreachable',
  'newerFormat',
  'io',
  'inUse',
  'permission',
  'config'
]

export const OPERATOR_DETAILS =
  'Asks the running node of the data folder, or works on the folder itself while no node runs. ' +
  'What it changes is in the audit log before it is answered.'

/**
 * What `use` yields with the hub of `--data`: of its running node, else of the folder, which this process then holds.
 * `signing` is for what the hub key must sign; a running node signs with the one that lies open in its folder.
 * @throws CommandError `usage` for a request that makes no sense, `failed` for one that is refused; SetupError
 */
export const withOperator = <T>(
  invocation: Invocation,
  use: (operator: CapabilityClient) => Promise<T>,
  signing?: HubKeyGiven
): Promise<T> => withHub(invocation, hub => use(hub.operator), signing)

/** The same with what an operator asks about federation. @throws as `withOperator` */
export const withFederation = <T>(
  invocation: Invocation,
  use: (federation: FederationClient) => Promise<T>
): Promise<T> => withHub(invocation, async hub => use(await hub.federation()))

async function withHub<T>(
  invocation: Invocation,
  use: (hub: OperatorsHub) => Promise<T>,
  signing?: HubKeyGiven
): Promise<T> {
  const data = invocation.neededOption(DATA_OPTION)
  await using hub = await hubOf(data, invocation, signing)
  try {
    return await withDeadline(use(hub), ANSWER_MS, `the node of ${data}`)
  } catch (error) {
    throw refusedRequest(error, invocation)
  }
}

interface OperatorsHub extends AsyncDisposable {
  readonly operator: CapabilityClient
  federation(): Promise<FederationClient>
}

async function hubOf(
  data: string,
  { terminal }: Invocation,
  signing: HubKeyGiven | undefined
): Promise<OperatorsHub> {
  const { connectAdmin } = await import('../node/admin/admin-client.ts')
  const { SetupError } = await import('../node/setup-error.ts')
  try {
    const admin = await connectAdmin(data)
    if (signing?.file !== undefined) {
      await admin[Symbol.asyncDispose]()
      throw new CommandError(
        EXIT.inUse,
        `--hub-key: a node runs on ${data}, and takes no key from a command: stop it first`
      )
    }
    const { capabilities: operator, federation } = admin
    return {
      operator,
      federation: async () => federation,
      [Symbol.asyncDispose]: () => admin[Symbol.asyncDispose]()
    }
  } catch (error) {
    if (!(error instanceof SetupError) || error.reason !== 'unreachable') throw error
  }
  const { directClient, openStopped, stoppedFederation } = await import('../node/index.ts')
  const config = await dataConfig(data, { env: terminal.env })
  const warn = ({ event }: { readonly event: string }): void => terminal.note(`omnigate: repaired: ${event}`)
  const hub = await openStopped(data, { config, warn, hubKey: signing })
  return {
    operator: directClient(hub.capabilities),
    federation: () => stoppedFederation(hub, config),
    [Symbol.asyncDispose]: () => hub[Symbol.asyncDispose]()
  }
}

/** A refusal as the operator reads it: members of a request are options of the command. */
export function refusedRequest(error: unknown, invocation: Invocation): unknown {
  if (!isOapError(error)) return error
  const { code } = error as Error & { code?: unknown }
  const message = printable(asOption(error.message, invocation))
  if (code === 'bad_request') {
    // A treaty comes from a file or an editor: the command line is right.
    const isTreaty = error.message.startsWith('treaty: ')
    return new CommandError(isTreaty ? EXIT.badInput : EXIT.usage, message, { cause: error })
  }
  if (code === 'not_found' || code === 'conflict')
    return new CommandError(EXIT.failed, message, { cause: error })
  return new CommandError(EXIT.failed, answeredError(error), { cause: error })
}

function asOption(message: string, invocation: Invocation): string {
  const [, member = '', rest = ''] = /^([a-z_]+)(:.*)$/s.exec(message) ?? []
  const option = member.replace(/_s$/, '').replaceAll('_', '-')
  return invocation.knows(option) ? `--${option}${rest}` : message
}
