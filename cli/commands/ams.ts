import { AMS_OPTIONS, amsAdmin } from '../ams.ts'
import type { AmsAdmin, Answer } from '../ams.ts'
import { CommandError } from '../command-error.ts'
import type { CommandBody } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import type { Invocation } from '../invocation.ts'
import { columns, facts, printable } from '../terminal.ts'

const MOST_PAGES = 50
const KINDS = ['artifact', 'message', 'record']
const MOST_SHOWN = 10

interface Act {
  /** What is its ITEM; it takes none if missing. */
  readonly item?: string
  /** Beside those of every action. */
  readonly options?: readonly string[]
  readonly ask: (
    admin: AmsAdmin,
    asked: { readonly item: string; readonly invocation: Invocation }
  ) => Promise<Answer>
  readonly says: (answer: Answer, invocation: Invocation) => string
}

const onEnvelope = (name: string, done: string): Act => ({
  item: 'the id of an envelope',
  options: ['reason'],
  ask: (admin, { item, invocation }) => admin.post(name, { id: item, ...reasonOf(invocation) }),
  says: ({ envelope }) => `${done} ${word(envelope, 'id')}, now ${word(envelope, 'status')}`
})

const ACTIONS: Readonly<Record<string, Act>> = {
  spam: { ask: admin => admin.get('spam'), says: spamText },
  quarantine: {
    ask: admin => allOf(admin, 'quarantine?dir=asc&limit=200'),
    says: answer => table(answer, ['id', 'created_at', 'type', 'thread', 'from'], 'nothing waits')
  },
  release: onEnvelope('release', 'released'),
  reject: onEnvelope('reject', 'rejected'),
  archive: onEnvelope('archive', 'archived'),
  redact: onEnvelope('redact', 'redacted'),
  remove: {
    item: 'the key of an artifact, or the id of a message or record',
    options: ['kind', 'reason'],
    ask: (admin, { item, invocation }) => {
      const kind = invocation.option('kind')
      if (kind === undefined || !KINDS.includes(kind))
        throw new CommandError(EXIT.usage, `ams remove needs --kind, one of ${KINDS.join(', ')}`)
      return admin.post('remove', { [kind]: item, ...reasonOf(invocation) })
    },
    says: ({ removed }) =>
      `removed ${Object.entries(removed as object)
        .flat()
        .map(shown)
        .join(' ')}`
  },
  blocked: {
    ask: admin => allOf(admin, 'blocked?limit=500'),
    says: answer => table(answer, ['from', 'at', 'by', 'reason'], 'nobody is blocked')
  },
  block: {
    item: 'a sender, as its envelopes name it',
    options: ['reason'],
    ask: (admin, { item, invocation }) => admin.post('block', { from: item, ...reasonOf(invocation) }),
    says: ({ sender }) => `blocked ${word(sender, 'from')}`
  },
  unblock: {
    item: 'a sender that is blocked',
    options: ['reason'],
    ask: (admin, { item, invocation }) => admin.post('unblock', { from: item, ...reasonOf(invocation) }),
    says: ({ from }) => `unblocked ${shown(from)}`
  },
  retention: {
    options: ['now', 'days', 'count'],
    ask: (admin, { invocation }) => {
      const rule = { ...numberOf(invocation, 'days'), ...numberOf(invocation, 'count') }
      const isNow = invocation.flag('now') || Object.keys(rule).length > 0
      return isNow ? admin.post('retention', rule) : admin.get('retention')
    },
    says: retentionText
  }
}

const NAMES = Object.keys(ACTIONS)
const OWN_OPTIONS = ['reason', 'kind', 'now', 'days', 'count']

export const ams: CommandBody = {
  details:
    'spam: who writes what; quarantine: the envelopes that wait for you; release, reject, archive, redact: decide of one; ' +
    'remove: takes an artifact, a message of a room or a notary record away; blocked, block, unblock: senders of whom nothing ' +
    'new is taken; retention: what is kept and taken, or with --now, --days or --count removes what is old or too much. ' +
    'What is redacted or removed is gone for good. Asks the running hub over HTTP, under an ADMIN token, and all that it ' +
    'changes is in the audit log under the name of that.',
  arguments: [
    { name: 'ACTION', summary: 'what to do', choices: NAMES },
    { name: 'ITEM', summary: 'what it is done to', isOptional: true, completes: 'nothing' }
  ],
  options: [
    ...AMS_OPTIONS,
    { name: 'reason', value: 'TEXT', summary: 'why, for the records', completes: 'nothing' },
    { name: 'kind', value: 'KIND', summary: `remove: ${KINDS.join(', ')}`, completes: 'nothing' },
    { name: 'now', summary: 'retention: remove by what is configured' },
    { name: 'days', value: 'N', summary: 'retention: remove what is older', completes: 'nothing' },
    {
      name: 'count',
      value: 'N',
      summary: 'retention: remove all but the newest of each kind',
      completes: 'nothing'
    }
  ],
  examples: [
    { line: 'omnigate ams quarantine --data ./hub --token olga.token', says: 'what waits for a moderator' },
    {
      line: "omnigate ams redact order-1 --reason 'asked for' --data ./hub --token olga.token",
      says: 'what it says is gone; its id, digest and chain stay'
    }
  ],
  exits: ['failed', 'badInput', 'noInput', 'unreachable', 'newerFormat', 'permission'],
  async run(invocation) {
    const action = invocation.neededArgument('ACTION')
    const act = ACTIONS[action]!
    const item = invocation.argument('ITEM')
    if (act.item === undefined && item !== undefined)
      throw new CommandError(EXIT.usage, `ams ${action} takes no ITEM`)
    if (act.item !== undefined && (item === undefined || item === ''))
      throw new CommandError(EXIT.usage, `ams ${action} takes an ITEM: ${act.item}`)
    for (const name of OWN_OPTIONS)
      if (
        (invocation.flag(name) || invocation.option(name) !== undefined) &&
        act.options?.includes(name) !== true
      )
        throw new CommandError(EXIT.usage, `ams ${action} takes no --${name}`)
    const answer = await act.ask(await amsAdmin(invocation), { item: item ?? '', invocation })
    invocation.show(answer, () => act.says(answer, invocation))
    return EXIT.ok
  }
}

/** All pages of a list as one, as far as they are believed to end. */
async function allOf(admin: AmsAdmin, path: string): Promise<Answer> {
  const items: unknown[] = []
  let cursor: unknown
  for (let page = 0; page < MOST_PAGES; page++) {
    const answer = await admin.get(typeof cursor === 'string' ? `${path}&cursor=${cursor}` : path)
    const some = Array.isArray(answer['items']) ? answer['items'] : []
    items.push(...some)
    const { nextCursor: next } = answer
    if (typeof next !== 'string' || next === cursor || some.length === 0) return { ok: true, items }
    cursor = next
  }
  return { ok: true, items, isCut: true }
}

const reasonOf = (invocation: Invocation): object => {
  const reason = invocation.option('reason')
  return reason === undefined ? {} : { reason }
}

function numberOf(invocation: Invocation, name: string): object {
  const text = invocation.option(name)
  if (text === undefined) return {}
  if (!/^[1-9]\d{0,9}$/.test(text))
    throw new CommandError(EXIT.usage, `--${name}: must be a whole number from 1`)
  return { [name]: Number(text) }
}

const shown = (value: unknown): string =>
  printable(typeof value === 'string' || typeof value === 'number' ? `${value}` : '')
const member = (of: unknown, name: string): unknown =>
  typeof of === 'object' && of !== null ? (of as Answer)[name] : undefined
const word = (of: unknown, name: string): string => shown(member(of, name))

function table({ items, isCut }: Answer, names: readonly string[], nothing: string): string {
  const rows = items as readonly unknown[]
  if (rows.length === 0) return nothing
  const head = names.map(name => name.toUpperCase().replace('CREATED_AT', 'CREATED'))
  const lines = columns([head, ...rows.map(row => names.map(name => word(row, name)))])
  return isCut === true ? `${lines}\n...` : lines
}

function spamText({ counts, windows }: Answer): string {
  const rows = Array.isArray(counts) ? counts : []
  const hours = Array.isArray(windows) ? windows : []
  const busy = hours.flatMap(hour =>
    ['senders', 'threads', 'sources'].flatMap(what =>
      ((member(hour, what) ?? []) as readonly unknown[])
        .slice(0, MOST_SHOWN)
        .map(one => [word(hour, 'from'), what.slice(0, -1), word(one, 'count'), word(one, 'key')])
    )
  )
  if (rows.length === 0 && busy.length === 0) return 'nobody has written anything since the start'
  const counted = columns([
    ['TYPE', 'DECISION', 'COUNT'],
    ...rows.map(row => [word(row, 'type'), word(row, 'decision'), word(row, 'count')])
  ])
  return `${counted}\n\n${columns([['HOUR', 'OF', 'COUNT', 'WHO'], ...busy])}`
}

function retentionText(
  { rule, bytes, max_bytes: most, under_way: underWay, last, run }: Answer,
  { terminal }: Invocation
): string {
  if (run !== undefined) return runText(run)
  return facts(
    [
      ['days', member(rule, 'days') ?? 'for ever'],
      ['count', member(rule, 'count') ?? 'all'],
      ['bytes', most === undefined ? bytes : `${shown(bytes)} of ${shown(most)}`],
      ['under way', underWay === null ? undefined : runText(underWay)],
      ['last run', last === null ? undefined : runText(last)]
    ],
    terminal
  )
}

function runText(run: unknown): string {
  const removed = Object.entries((member(run, 'removed') ?? {}) as object).map(
    ([kind, count]) => `${shown(count)} ${kind}`
  )
  const state = member(run, 'ended_at') === undefined ? 'goes on, removed so far' : 'removed'
  return printable(`${state}: ${removed.join(', ')}; ${word(run, 'bytes')} bytes`)
}
