import type { CommandBody } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import {
  CALLER_DETAILS,
  CALLER_OPTIONS,
  MAILBOX_ARGUMENTS,
  MAILBOX_EXITS,
  withMailbox
} from '../mailbox/place.ts'
import { bytesText, timeText } from '../quantity.ts'
import { facts } from '../terminal.ts'

export const mailboxStats: CommandBody = {
  details: `A topic that never was has zeros. ${CALLER_DETAILS}`,
  arguments: MAILBOX_ARGUMENTS,
  options: CALLER_OPTIONS,
  examples: [
    { line: 'omnigate mailbox stats dispatch/SF', says: 'to a client' },
    { line: 'omnigate mailbox stats dispatch/SF --data ./hub --tenant clinic', says: 'to the operator' }
  ],
  exits: MAILBOX_EXITS,
  async run(invocation) {
    const topic = invocation.neededArgument('TOPIC')
    return withMailbox(invocation, async ({ rows, calling }) => {
      const stats = await rows.stats({ topic }, calling)
      invocation.show(stats, () =>
        facts(
          [
            ['topic', stats.topic],
            ['messages', `${stats.depth}, ${bytesText(stats.bytes)}`],
            ['leased', stats.in_flight],
            ['delayed', stats.delayed],
            ['oldest', stats.oldest_ms === undefined ? undefined : timeText(stats.oldest_ms)],
            ['dead', `${stats.dead}, ${bytesText(stats.dead_bytes)}`]
          ],
          invocation.terminal
        )
      )
      return EXIT.ok
    })
  }
}
