import type { AdminClient } from '../node/index.ts'
import { DATA_OPTION } from './command.ts'
import type { Option } from './command.ts'
import { withDeadline } from './deadline.ts'
import type { ExitName } from './exit-codes.ts'
import type { Invocation } from './invocation.ts'
import { leftText } from './moment.ts'
import { refusedRequest } from './operator.ts'
import { asCalled, shellWord } from './self.ts'
import { facts, printable } from './terminal.ts'
import { treatyBody, treatyDocument, treatyFile } from './treaty-file.ts'

type LinksClient = AdminClient['links']

/** A hub that paired and waits for the operator. */
export type Waiting = Awaited<ReturnType<LinksClient['pair_accept']>>

/** How the commands of a pairing may end; they need the running node. */
export const PAIRING_EXITS: readonly ExitName[] = [
  'failed',
  'badInput',
  'noInput',
  'unreachable',
  'newerFormat',
  'permission'
]

export const TREATY_OPTION: Option = {
  name: 'treaty',
  value: 'FILE',
  summary: 'what the other hub may do here, as TOML or JSON, or - for standard input; see treaty check',
  completes: 'file'
}

/** Dialling the other hub, and what it takes to prove oneself, come on top of an answer. */
const ANSWER_MS = 30_000

/** What `use` yields with the running node of `--data`. @throws CommandError; SetupError `unreachable` where no node runs */
export async function withLinks<T>(
  invocation: Invocation,
  use: (links: LinksClient, admin: AdminClient) => Promise<T>,
  withinMs = ANSWER_MS
): Promise<T> {
  const { connectAdmin } = await import('../node/admin/admin-client.ts')
  const data = invocation.neededOption(DATA_OPTION)
  await using admin = await connectAdmin(data)
  try {
    return await withDeadline(use(admin.links, admin), withinMs, `the node of ${data}`)
  } catch (error) {
    throw refusedRequest(error, invocation)
  }
}

/** The treaty of `--treaty` as it travels; undefined without one. */
export async function treatyOption(invocation: Invocation): Promise<Uint8Array | undefined> {
  const file = invocation.option(TREATY_OPTION.name)
  return file === undefined ? undefined : treatyBody(await treatyDocument(await treatyFile(file), file))
}

/** What both operators compare. */
export const waitingText = ({ hub, fingerprint, expires }: Waiting, { terminal }: Invocation): string =>
  facts(
    [
      ['hub', printable(hub)],
      ['fingerprint', terminal.style('bold', printable(fingerprint))],
      ['waits for', leftText(expires, Math.floor(Date.now() / 1000))]
    ],
    terminal
  )

export type Confirmed = 'confirmed' | 'declined' | 'waiting'

/**
 * Asks the person whether the other operator sees the same fingerprint, and does what they say; a pairing waits on where
 * nobody sits at the terminal.
 */
export async function askToConfirm(
  links: LinksClient,
  { hub, fingerprint }: Waiting,
  invocation: Invocation
): Promise<Confirmed> {
  const { terminal } = invocation
  if (terminal.ask === undefined || invocation.isJson) {
    terminal.note(
      `compare the fingerprint with the other operator; if it is the same, both confirm it with: ${confirmLine(hub, invocation)}`
    )
    return 'waiting'
  }
  terminal.note(
    'Read the fingerprint to the other operator, by another way than the invite came. It must be the same.'
  )
  for (;;) {
    const said = (await terminal.ask('Does the other operator see the same? yes or no: '))
      .trim()
      .toLowerCase()
    if (said === 'yes') {
      await links.pair_confirm({ hub, fingerprint })
      return 'confirmed'
    }
    if (said === 'no') {
      await links.pair_decline({ hub })
      return 'declined'
    }
  }
}

export const confirmedText = (hub: string, invocation: Invocation): string =>
  `${printable(hub)} is on the allowlist; the link comes up once its operator has confirmed too, see: ` +
  asCalled(`omnigate federation status --data ${dataOf(invocation)}`)

const confirmLine = (hub: string, invocation: Invocation): string =>
  asCalled(`omnigate peer confirm ${printable(hub)} --fingerprint TEXT --data ${dataOf(invocation)}`)

const dataOf = (invocation: Invocation): string => shellWord(invocation.neededOption(DATA_OPTION))
