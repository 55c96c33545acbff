import type { MessageOptions } from '../../protocols/index.ts'
import type { CommandBody } from '../command.ts'
import { CommandError } from '../command-error.ts'
import { EXIT } from '../exit-codes.ts'
import type { Invocation } from '../invocation.ts'
import { bodySource } from '../mailbox/bodies.ts'
import { defined, timeOptionMs, wholeOption } from '../mailbox/numbers.ts'
import {
  CALLER_DETAILS,
  CALLER_OPTIONS,
  MAILBOX_ARGUMENTS,
  MAILBOX_EXITS,
  withMailbox
} from '../mailbox/place.ts'
import type { MailboxPlace } from '../mailbox/place.ts'

const BATCH_MESSAGES = 256
const BATCH_BYTES = 262_144

export const mailboxSend: CommandBody = {
  details:
    'Ends once the messages would survive a power cut. With --lines each line that is not empty is a message, byte for ' +
    'byte, sent in batches; what was sent before a failure stays sent, and the count says how many those are. ' +
    `Without any line nothing is sent, and the exit is 0. ${CALLER_DETAILS}`,
  arguments: MAILBOX_ARGUMENTS,
  options: [
    { name: 'text', value: 'TEXT', summary: 'send this text', completes: 'nothing' },
    {
      name: 'file',
      value: 'FILE',
      summary: 'send this file, at most 983040 bytes; - is standard input',
      completes: 'file'
    },
    {
      name: 'lines',
      value: 'FILE',
      summary: 'send each line of this file; - is standard input',
      completes: 'file'
    },
    { name: 'attr', value: 'NAME=VALUE', summary: 'an attribute; may be given several times', isList: true },
    { name: 'priority', value: 'N', summary: '0 to 9, higher is sooner (default: 4)', completes: 'nothing' },
    { name: 'delay', value: 'TIME', summary: 'not delivered before: 30s, 15m, 2h', completes: 'nothing' },
    { name: 'ttl', value: 'TIME', summary: 'given up after: 1h, 7d', completes: 'nothing' },
    {
      name: 'idem-key',
      value: 'KEY',
      summary: 'sent twice under one key it is one message',
      completes: 'nothing'
    },
    {
      name: 'to',
      value: 'HUB_ID',
      summary: 'to a linked hub, which gets it once; with --share',
      completes: 'nothing'
    },
    {
      name: 'share',
      value: 'NAME',
      summary: 'the share of the treaty with it, by name or id',
      completes: 'nothing'
    },
    {
      name: 'receipt',
      value: 'STATE',
      summary: 'ask for a signed receipt: stored, delivered or acked; may be given several times',
      isList: true
    },
    { name: 'bounce', summary: 'ask to be told when it expires, dies or is refused' },
    {
      name: 'reply-topic',
      value: 'TOPIC',
      summary: 'where receipts and bounces go',
      completes: 'nothing'
    },
    ...CALLER_OPTIONS
  ],
  examples: [
    { line: "omnigate mailbox send dispatch/SF --text 'a passenger'", says: 'to the node in RON_NODE_URL' },
    {
      line: 'omnigate mailbox send dispatch/SF --to h1... --share dispatch --text hello',
      says: 'to one linked hub'
    },
    { line: 'omnigate mailbox send jobs/resize --lines jobs.txt --priority 2', says: 'one message a line' }
  ],
  exits: MAILBOX_EXITS,
  async run(invocation) {
    const topic = invocation.neededArgument('TOPIC')
    const source = await bodySource(invocation)
    const message = messageOptions(invocation)
    if (source.kind === 'lines' && message.idem_key !== undefined)
      throw new CommandError(EXIT.usage, '--idem-key goes with one message, not with --lines')
    return withMailbox(invocation, async place => {
      if (source.kind === 'lines') return sendLines(invocation, place, topic, message, source.lines)
      const idem_key = message.idem_key ?? crypto.randomUUID()
      const request = { topic, ...message, idem_key, body: source.body }
      const { msg_id, duplicate = false } = await place.rows.send(request, place.calling)
      invocation.show({ msg_id, duplicate }, () => (duplicate ? `${msg_id} (sent before)` : msg_id))
      return EXIT.ok
    })
  }
}

async function sendLines(
  invocation: Invocation,
  { rows, calling }: MailboxPlace,
  topic: string,
  message: MessageOptions,
  lines: AsyncIterable<Uint8Array>
): Promise<number> {
  const { terminal } = invocation
  let sent = 0
  let waiting: Uint8Array[] = []
  let bytes = 0
  const flush = async (): Promise<void> => {
    const items = waiting.map(body => ({ ...message, idem_key: crypto.randomUUID(), body }))
    waiting = []
    bytes = 0
    if (items.length === 0) return
    await rows.send_batch({ topic, items }, calling)
    sent += items.length
    terminal.progress(`${sent} sent`)
  }
  try {
    for await (const body of lines) {
      if (waiting.length === BATCH_MESSAGES || bytes + body.length > BATCH_BYTES) await flush()
      waiting.push(body)
      bytes += body.length
    }
    await flush()
  } catch (error) {
    terminal.progress('')
    if (sent > 0) terminal.note(`${sent} sent before this:`)
    throw error
  }
  terminal.progress('')
  invocation.show({ sent }, () => `${sent} sent`)
  return EXIT.ok
}

function messageOptions(invocation: Invocation): MessageOptions {
  const delayMs = timeOptionMs(invocation, 'delay')
  const ttlMs = timeOptionMs(invocation, 'ttl')
  return defined({
    attrs: attributes(invocation.list('attr')),
    priority: wholeOption(invocation, 'priority', [0, 9]),
    not_before: delayMs === undefined ? undefined : Date.now() + delayMs,
    ttl_s: ttlMs === undefined ? undefined : ttlMs / 1000,
    idem_key: invocation.option('idem-key'),
    to: recipient(invocation),
    receipt: receipts(invocation.list('receipt')),
    bounce: invocation.flag('bounce') || undefined,
    reply_topic: invocation.option('reply-topic')
  })
}

function recipient(invocation: Invocation): MessageOptions['to'] {
  const [hub, share] = [invocation.option('to'), invocation.option('share')]
  if (hub !== undefined && share !== undefined) return { hub, share }
  if (hub === undefined && share === undefined) return undefined
  throw new CommandError(
    EXIT.usage,
    '--to and --share go together: a hub, and the share of the treaty with it'
  )
}

const STATES = ['stored', 'delivered', 'acked'] as const

function receipts(given: readonly string[] | undefined): MessageOptions['receipt'] {
  return given?.map(text => {
    const state = STATES.find(one => one === text)
    if (state !== undefined) return state
    throw new CommandError(EXIT.usage, `--receipt ${text}: one of ${STATES.join(', ')}`)
  })
}

function attributes(given: readonly string[] | undefined): Record<string, string> | undefined {
  if (given === undefined) return undefined
  const pairs = given.map(text => {
    const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? []
    if (name === undefined || value === undefined)
      throw new CommandError(EXIT.usage, `--attr ${text}: write NAME=VALUE`)
    return [name, value] as const
  })
  return Object.fromEntries(pairs)
}
