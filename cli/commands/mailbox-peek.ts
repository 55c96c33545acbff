import type { CommandBody } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { messageJson, messageText } from '../mailbox/message-text.ts'
import { wholeOption } from '../mailbox/numbers.ts'
import { inPages } from '../mailbox/pages.ts'
import {
  CALLER_DETAILS,
  CALLER_OPTIONS,
  MAILBOX_ARGUMENTS,
  MAILBOX_EXITS,
  withMailbox
} from '../mailbox/place.ts'

const MESSAGES = 32
const MOST = 1_000_000

export const mailboxPeek: CommandBody = {
  details: `In the order in which they would be delivered; nobody else notices. ${CALLER_DETAILS}`,
  arguments: MAILBOX_ARGUMENTS,
  options: [
    { name: 'count', value: 'N', summary: `messages at most (default: ${MESSAGES})`, completes: 'nothing' },
    ...CALLER_OPTIONS
  ],
  examples: [{ line: 'omnigate mailbox peek dispatch/SF --data ./hub', says: 'as the operator of the hub' }],
  exits: MAILBOX_EXITS,
  async run(invocation) {
    const topic = invocation.neededArgument('TOPIC')
    const count = wholeOption(invocation, 'count', [1, MOST]) ?? MESSAGES
    return withMailbox(invocation, async ({ rows, calling }) => {
      const page = (request: object) => rows.peek({ topic, ...request }, calling)
      for await (const item of inPages(count, page))
        invocation.terminal.result(invocation.isJson ? messageJson(item) : messageText(item))
      return EXIT.ok
    })
  }
}
