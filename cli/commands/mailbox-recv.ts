import type { CommandBody } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { messageJson, messageText } from '../mailbox/message-text.ts'
import { MAX_OPTION, VISIBILITY_OPTION, defined, maxOption, timeOptionMs } from '../mailbox/numbers.ts'
import {
  CALLER_DETAILS,
  CALLER_OPTIONS,
  MAILBOX_ARGUMENTS,
  MAILBOX_EXITS,
  withMailbox
} from '../mailbox/place.ts'
import { acknowledge } from '../mailbox/acknowledge.ts'

export const mailboxRecv: CommandBody = {
  details:
    'Exit 1 where nothing was there in time. What was printed is acknowledged, and gone; with --keep it is not, and ' +
    `comes again once --visibility is over. ${CALLER_DETAILS}`,
  arguments: MAILBOX_ARGUMENTS,
  options: [
    MAX_OPTION,
    { name: 'wait', value: 'TIME', summary: 'wait for a first message, at most 60s', completes: 'nothing' },
    VISIBILITY_OPTION,
    { name: 'keep', summary: 'do not acknowledge' },
    ...CALLER_OPTIONS
  ],
  examples: [
    { line: 'omnigate mailbox recv dispatch/SF --wait 30s', says: 'what is there, or the first that comes' },
    { line: 'omnigate mailbox recv dispatch/SF --max 1 --keep --json', says: 'one, which comes again' }
  ],
  exits: MAILBOX_EXITS,
  async run(invocation) {
    const topic = invocation.neededArgument('TOPIC')
    const waitMs = timeOptionMs(invocation, 'wait')
    const request = {
      topic,
      ...defined({
        max: maxOption(invocation),
        wait_ms: waitMs,
        visibility_ms: timeOptionMs(invocation, 'visibility')
      })
    }
    return withMailbox(invocation, async ({ rows, calling }) => {
      const deadlineMs = 30_000 + (waitMs ?? 0)
      const { items } = await rows.recv(request, { ...calling, deadlineMs })
      for (const item of items)
        invocation.terminal.result(invocation.isJson ? messageJson(item) : messageText(item))
      if (!invocation.flag('keep') && items.length > 0) await acknowledge(rows, topic, items, calling)
      if (items.length === 0) invocation.terminal.note('nothing there')
      return items.length === 0 ? EXIT.failed : EXIT.ok
    })
  }
}
