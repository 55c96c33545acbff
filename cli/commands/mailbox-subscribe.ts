import type { CommandBody } from '../command.ts'
import { CommandError } from '../command-error.ts'
import { EXIT } from '../exit-codes.ts'
import type { Invocation } from '../invocation.ts'
import { acknowledge } from '../mailbox/acknowledge.ts'
import { messageJson, messageText } from '../mailbox/message-text.ts'
import {
  MAX_OPTION,
  VISIBILITY_OPTION,
  defined,
  maxOption,
  timeOptionMs,
  wholeOption
} from '../mailbox/numbers.ts'
import {
  CALLER_DETAILS,
  CALLER_OPTIONS,
  MAILBOX_ARGUMENTS,
  MAILBOX_EXITS,
  withMailbox
} from '../mailbox/place.ts'
import type { Delivered, MailboxPlace } from '../mailbox/place.ts'
import { stopSignal } from '../stop-signals.ts'

const CREDIT_BYTES = 262_144
const MOST_LEASED = 256
const MOST = Number.MAX_SAFE_INTEGER

export const mailboxSubscribe: CommandBody = {
  details:
    'Goes on until Ctrl-C, which ends it with 0, or until --count messages came. What was printed is acknowledged, and ' +
    `gone; with --keep it is not, and comes again once --visibility is over. ${CALLER_DETAILS}`,
  arguments: MAILBOX_ARGUMENTS,
  options: [
    { name: 'count', value: 'N', summary: 'end after so many messages', completes: 'nothing' },
    MAX_OPTION,
    VISIBILITY_OPTION,
    { name: 'keep', summary: 'do not acknowledge' },
    ...CALLER_OPTIONS
  ],
  examples: [
    { line: 'omnigate mailbox subscribe dispatch/SF', says: 'until Ctrl-C' },
    { line: 'omnigate mailbox subscribe dispatch/SF --count 10 --json', says: 'ten, one JSON object a line' }
  ],
  exits: MAILBOX_EXITS,
  async run(invocation) {
    const topic = invocation.neededArgument('TOPIC')
    const given = wholeOption(invocation, 'count', [1, MOST])
    // Who takes a few leaves the others to others: nothing more is leased than what is printed. With --keep all of that is.
    const few = given !== undefined && invocation.flag('keep') ? Math.min(given, MOST_LEASED) : 1
    const max = maxOption(invocation) ?? (given === undefined ? undefined : few)
    const request = { topic, ...defined({ max, visibility_ms: timeOptionMs(invocation, 'visibility') }) }
    const stop = new AbortController()
    void stopSignal(() => process.exit(EXIT.interrupted)).then(() => stop.abort())
    return withMailbox(invocation, async place => {
      try {
        await print(invocation, place, request, { count: given ?? MOST, signal: stop.signal })
        return EXIT.ok
      } catch (error) {
        if (stop.signal.aborted) return EXIT.ok
        throw error
      }
    })
  }
}

/** Prints `count` messages; the last is acknowledged once the subscription was left, so that no other is leased for it. */
async function print(
  invocation: Invocation,
  { rows, calling }: MailboxPlace,
  request: { readonly topic: string },
  { count, signal }: { readonly count: number; readonly signal: AbortSignal }
): Promise<void> {
  const settle = async (item: Delivered): Promise<void> => {
    if (!invocation.flag('keep')) await acknowledge(rows, request.topic, [item], calling)
  }
  let last: Delivered | undefined
  let seen = 0
  for await (const item of await rows.subscribe(request, { ...calling, signal, credit: CREDIT_BYTES })) {
    invocation.terminal.result(invocation.isJson ? messageJson(item) : messageText(item))
    last = item
    if (++seen === count) break
    await settle(item)
  }
  if (seen < count) throw new CommandError(EXIT.unreachable, 'the node stops; try again')
  if (last !== undefined) await settle(last)
}
