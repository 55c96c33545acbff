import { setTimeout as sleep } from 'node:timers/promises'
import type { AuditClient } from '../../node/index.ts'
import { withAudit } from '../audit-client.ts'
import { auditLines, countOption, entryText } from '../audit-lines.ts'
import { CommandError } from '../command-error.ts'
import { DATA_OPTION } from '../command.ts'
import type { CommandBody } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import type { Invocation } from '../invocation.ts'
import { asCalled, shellWord } from '../self.ts'
import { stopSignal } from '../stop-signals.ts'
import { OPERATOR_EXITS } from '../operator.ts'

const LINES = 10
const LOOK_AGAIN_MS = 300

export const auditTail: CommandBody = {
  details:
    'Asks the running node of the data folder, or reads the folder itself while no node runs. --json prints the entries ' +
    'as they are kept, one a line. --follow prints what comes until Ctrl-C, which ends it with 0.',
  options: [
    DATA_OPTION,
    { name: 'lines', short: 'n', value: 'N', summary: `how many (default: ${LINES})`, completes: 'nothing' },
    { name: 'follow', short: 'f', summary: 'go on with what comes; needs a running node' }
  ],
  examples: [
    { line: 'omnigate audit tail --data ./hub -n 3', says: 'the three newest entries' },
    { line: 'omnigate audit tail --data ./hub --follow', says: 'what happens now' }
  ],
  exits: OPERATOR_EXITS,
  async run(invocation) {
    const lines = countOption(invocation, 'lines') ?? LINES
    const follow = invocation.flag('follow')
    return withAudit(invocation, async ({ audit, isRunning }) => {
      if (follow && !isRunning) throw stopped(invocation.neededOption(DATA_OPTION))
      const stop = follow ? stopSignal(() => undefined) : undefined
      const { first, size } = await audit.admin.audit_log({})
      const next = await print(invocation, audit, Math.max(first, size - lines))
      if (stop !== undefined) await printOn(invocation, { audit, next, stop })
      return EXIT.ok
    })
  }
}

/** Prints the entries from `from` on; yields the one behind them. */
async function print(invocation: Invocation, audit: AuditClient, from: number): Promise<number> {
  let next = from
  for await (const line of auditLines(audit, from)) {
    invocation.terminal.result(invocation.isJson ? line : entryText(line))
    next++
  }
  return next
}

interface Following {
  readonly audit: AuditClient
  readonly next: number
  readonly stop: Promise<unknown>
}

async function printOn(invocation: Invocation, { audit, next: from, stop }: Following): Promise<void> {
  let isOver = false
  const over = stop.then(() => (isOver = true))
  for (let next = from; !isOver; next = await print(invocation, audit, next))
    await Promise.race([over, sleep(LOOK_AGAIN_MS)])
}

function stopped(data: string): CommandError {
  const start = asCalled(`omnigate start --data ${shellWord(data)}`)
  return new CommandError(
    EXIT.unreachable,
    `--follow: no node runs on data folder ${data}; start one with: ${start}`
  )
}
