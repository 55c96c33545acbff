import type { QuarantinedItem } from '../../protocols/index.ts'
import { CommandError } from '../command-error.ts'
import { DATA_OPTION } from '../command.ts'
import type { CommandBody } from '../command.ts'
import { every } from '../every.ts'
import { EXIT } from '../exit-codes.ts'
import type { Invocation } from '../invocation.ts'
import { leftText } from '../moment.ts'
import { PAIRING_EXITS } from '../pairing.ts'
import { withPolicy } from '../policy.ts'
import { columns } from '../terminal.ts'

const SECOND_MS = 1000

export const federationQuarantine: CommandBody = {
  details:
    'The acceptance policy keeps back what it neither takes nor turns away, at most 1000 messages and 64 MiB of one hub, ' +
    'for 14 days. list prints them, the oldest first; release delivers one as if it had been taken, once; reject drops ' +
    'it for good. policy explain says why one is there. Needs the running node.',
  arguments: [
    { name: 'ACTION', summary: 'what to do', choices: ['list', 'release', 'reject'] },
    {
      name: 'ITEM',
      summary: 'release, reject: the federated id, as list prints it',
      isOptional: true,
      completes: 'nothing'
    }
  ],
  options: [DATA_OPTION],
  examples: [
    { line: 'omnigate federation quarantine list --data ./hub', says: 'what waits, and why' },
    {
      line: 'omnigate federation quarantine release 5f1d09c4... --data ./hub',
      says: 'it was read, and is good'
    }
  ],
  exits: PAIRING_EXITS,
  async run(invocation) {
    const action = invocation.neededArgument('ACTION')
    const id = invocation.argument('ITEM')
    if (action === 'list') return list(invocation, id)
    if (id === undefined) throw new CommandError(EXIT.usage, `federation quarantine ${action} takes an ITEM`)
    const isRelease = action === 'release'
    const item = await withPolicy(invocation, policy =>
      isRelease ? policy.quarantine_release({ id }) : policy.quarantine_reject({ id })
    )
    invocation.show(item, () => `${isRelease ? 'released' : 'rejected'} ${item.id}`)
    return EXIT.ok
  }
}

async function list(invocation: Invocation, id: string | undefined): Promise<number> {
  if (id !== undefined) throw new CommandError(EXIT.usage, 'federation quarantine list takes no ITEM')
  const items = await withPolicy(invocation, policy => every(policy.quarantine_list({})))
  const nowS = Math.floor(Date.now() / SECOND_MS)
  invocation.show({ items }, () =>
    items.length === 0
      ? 'nothing waits'
      : columns([
          ['ITEM', 'KIND', 'ORIGIN', 'BYTES', 'SCORE', 'LEFT', 'WHY'],
          ...items.map(item => row(item, nowS))
        ])
  )
  return EXIT.ok
}

const row = (item: QuarantinedItem, nowS: number): string[] => [
  item.id,
  item.kind,
  item.origin,
  String(item.bytes),
  String(item.score),
  item.releasing ? 'released' : leftText(Math.floor(item.expires_at / SECOND_MS), nowS),
  item.reasons.join(', ')
]
