import type { DeadLetter } from '../../protocols/index.ts'
import type { CommandBody } from '../command.ts'
import { NODE_ARGUMENT } from '../command.ts'
import { CommandError } from '../command-error.ts'
import { EXIT } from '../exit-codes.ts'
import type { Invocation } from '../invocation.ts'
import { messageJson, messageText } from '../mailbox/message-text.ts'
import { wholeOption } from '../mailbox/numbers.ts'
import { inPages } from '../mailbox/pages.ts'
import {
  CALLER_DETAILS,
  CALLER_OPTIONS,
  MAILBOX_EXITS,
  TOPIC_ARGUMENT,
  withMailbox
} from '../mailbox/place.ts'
import type { MailboxPlace } from '../mailbox/place.ts'
import { printable } from '../terminal.ts'

const LETTERS = 32
const MOST = 1_000_000
const MOST_IDS = 256

export const mailboxDlq: CommandBody = {
  details:
    'A message is a dead letter once it failed five times, or as often as the node says. list prints them with what ' +
    'happened to them; redrive makes them messages again, each at its old place; purge removes them for good. The last two ' +
    `want --id or --all, and say how far they are while they work. ${CALLER_DETAILS}`,
  arguments: [
    { name: 'ACTION', summary: 'what to do', choices: ['list', 'redrive', 'purge'] },
    TOPIC_ARGUMENT,
    NODE_ARGUMENT
  ],
  options: [
    {
      name: 'count',
      value: 'N',
      summary: `list: at most so many (default: ${LETTERS})`,
      completes: 'nothing'
    },
    {
      name: 'id',
      value: 'MSG_ID',
      summary: `redrive, purge: only these, at most ${MOST_IDS}`,
      isList: true,
      completes: 'nothing'
    },
    { name: 'all', summary: 'redrive, purge: all of the topic' },
    ...CALLER_OPTIONS
  ],
  examples: [
    { line: 'omnigate mailbox dlq list dispatch/SF --data ./hub', says: 'what was given up on, and why' },
    { line: 'omnigate mailbox dlq redrive dispatch/SF --all', says: 'once the reason is mended' },
    { line: 'omnigate mailbox dlq purge dispatch/SF --id 01KAJ2Z3Y40000000000000001', says: 'one of them' }
  ],
  exits: MAILBOX_EXITS,
  async run(invocation) {
    const action = invocation.neededArgument('ACTION')
    const topic = invocation.neededArgument(TOPIC_ARGUMENT.name)
    const count = wholeOption(invocation, 'count', [1, MOST]) ?? LETTERS
    if (action === 'list')
      return withMailbox(invocation, async place => listLetters(invocation, place, topic, count))
    const ids = pickedIds(invocation, action)
    return withMailbox(invocation, async place => {
      const done = await everyPage(invocation, place, { action, topic, ids })
      const word = action === 'purge' ? 'purged' : 'redriven'
      invocation.show({ [word]: done }, () => `${done} ${word}`)
      return EXIT.ok
    })
  }
}

async function listLetters(
  invocation: Invocation,
  { rows, calling }: MailboxPlace,
  topic: string,
  count: number
): Promise<number> {
  const page = (request: object) => rows.dlq_list({ topic, ...request }, calling)
  for await (const letter of inPages(count, page))
    invocation.terminal.result(invocation.isJson ? messageJson(letter) : letterText(letter))
  return EXIT.ok
}

function letterText(letter: DeadLetter): string {
  const history = letter.history.map(({ attempt, at, outcome, reason }) =>
    printable(
      `    attempt ${attempt} ${outcome} ${new Date(at).toISOString()}${reason === undefined ? '' : ` ${reason}`}`
    )
  )
  return [messageText(letter), ...history].join('\n')
}

function pickedIds(invocation: Invocation, action: string): readonly string[] | undefined {
  const ids = invocation.list('id')
  if ((ids === undefined) !== invocation.flag('all'))
    throw new CommandError(EXIT.usage, `mailbox dlq ${action} takes either --id MSG_ID or --all`)
  if (ids !== undefined && ids.length > MOST_IDS)
    throw new CommandError(EXIT.usage, `--id: ${ids.length} of them; at most ${MOST_IDS} at once`)
  return ids
}

interface Picked {
  readonly action: string
  readonly topic: string
  readonly ids: readonly string[] | undefined
}

/** Asks until nothing is left; yields how many there were. */
async function everyPage(
  { terminal }: Invocation,
  { rows, calling }: MailboxPlace,
  { action, topic, ids }: Picked
): Promise<number> {
  const request = { topic, ...(ids !== undefined && { msg_ids: ids }) }
  let done = 0
  try {
    for (;;) {
      const { count, more } = await onePage(rows, action, request, calling)
      done += count
      if (!more || count === 0) return done
      terminal.progress(`${done} so far`)
    }
  } finally {
    terminal.progress('')
  }
}

async function onePage(
  rows: MailboxPlace['rows'],
  action: string,
  request: { readonly topic: string; readonly msg_ids?: readonly string[] },
  calling: MailboxPlace['calling']
): Promise<{ readonly count: number; readonly more: boolean }> {
  if (action === 'purge') {
    const { purged, more } = await rows.dlq_purge(request, calling)
    return { count: purged, more }
  }
  const { redriven, more } = await rows.dlq_redrive(request, calling)
  return { count: redriven, more }
}
