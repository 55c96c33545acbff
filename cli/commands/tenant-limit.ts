import { appId, byteCount, wholeNumber } from '../caveat-options.ts'
import { DATA_OPTION } from '../command.ts'
import type { CommandBody } from '../command.ts'
import { CommandError } from '../command-error.ts'
import { EXIT } from '../exit-codes.ts'
import type { Invocation } from '../invocation.ts'
import { OPERATOR_DETAILS, OPERATOR_EXITS, withOperator } from '../operator.ts'
import { tenantText } from '../tenant-text.ts'
import { TENANT_ARGUMENT } from './tenant-show.ts'

export const tenantLimit: CommandBody = {
  details:
    'The limits hold for each service by itself, over all tokens and connections of the tenant; what is beyond gets ' +
    `429 with the time to wait. What you do not name stays as it is. ${OPERATOR_DETAILS}`,
  arguments: [TENANT_ARGUMENT],
  options: [
    DATA_OPTION,
    { name: 'calls-per-second', value: 'N', summary: 'calls a second, on the average', completes: 'nothing' },
    { name: 'burst', value: 'N', summary: 'calls at once after a quiet while', completes: 'nothing' },
    {
      name: 'bytes-per-second',
      value: 'N',
      summary: 'bytes a second: 500, 64KiB, 10MiB',
      completes: 'nothing'
    },
    { name: 'app', value: 'APP', summary: 'for this service alone, by name or id', completes: 'nothing' },
    { name: 'reset', summary: 'back to what the configuration says' }
  ],
  examples: [
    {
      line: 'omnigate tenant limit --data ./hub clinic --calls-per-second 50 --burst 100',
      says: 'for each service'
    },
    {
      line: 'omnigate tenant limit --data ./hub clinic --app echo --bytes-per-second 1MiB',
      says: 'for echo alone'
    },
    { line: 'omnigate tenant limit --data ./hub clinic --reset', says: 'the defaults again' }
  ],
  exits: OPERATOR_EXITS,
  async run(invocation) {
    const tenant = invocation.neededArgument(TENANT_ARGUMENT.name)
    const asked = limits(invocation)
    const row = await withOperator(invocation, operator => operator.tenant_limit({ tenant, ...asked }))
    invocation.show(row, () => tenantText(row, invocation.terminal))
    return EXIT.ok
  }
}

function limits(invocation: Invocation) {
  const calls = invocation.option('calls-per-second')
  const burst = invocation.option('burst')
  const bytes = invocation.option('bytes-per-second')
  const app = invocation.option('app')
  const isReset = invocation.flag('reset')
  const hasLimit = [calls, burst, bytes].some(given => given !== undefined)
  if (hasLimit === isReset)
    throw new CommandError(
      EXIT.usage,
      'say a limit: --calls-per-second, --burst or --bytes-per-second; or --reset alone'
    )
  return {
    ...(calls !== undefined && { calls_per_second: wholeNumber('calls-per-second', calls) }),
    ...(burst !== undefined && { burst: wholeNumber('burst', burst) }),
    ...(bytes !== undefined && { bytes_per_second: byteCount('bytes-per-second', bytes) }),
    ...(app !== undefined && { app: appId(app) }),
    ...(isReset && { reset: true })
  }
}
