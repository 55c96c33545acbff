import { withAudit } from '../audit-client.ts'
import { DATA_OPTION } from '../command.ts'
import type { CommandBody } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import type { Invocation } from '../invocation.ts'
import { OPERATOR_EXITS } from '../operator.ts'
import { withLinks } from '../pairing.ts'
import { printable } from '../terminal.ts'

export const auditCheckpoint: CommandBody = {
  details:
    'A C2SP checkpoint: the origin of the log, how many entries it has, the root of their tree, and the signature of the ' +
    'key in audit/log.vkey. Keep one away from the machine: with it audit verify sees what was cut off or rewritten later. ' +
    'Below it stand the lines of linked hubs that cosigned it: --cosign asks them now, --cosigned prints the newest that ' +
    'has any. Both need a running node.',
  options: [
    DATA_OPTION,
    { name: 'cosign', summary: 'ask the linked hubs that witness this log to cosign it now' },
    { name: 'cosigned', summary: 'the newest that another hub has cosigned' }
  ],
  examples: [
    {
      line: 'omnigate audit checkpoint --data ./hub > head.txt',
      says: 'for audit verify --checkpoint head.txt'
    },
    {
      line: 'omnigate audit checkpoint --data ./hub --cosign > head.txt',
      says: 'for audit cosigned head.txt'
    }
  ],
  exits: OPERATOR_EXITS,
  async run(invocation) {
    if (invocation.flag('cosign')) return cosign(invocation)
    if (!invocation.flag('cosigned')) {
      const note = await withAudit(invocation, ({ audit }) => audit.log.checkpoint({}))
      return show(invocation, note)
    }
    const { body, cosigned } = await withLinks(invocation, (_links, { witness }) =>
      witness.audit_cosigned({})
    )
    return show(invocation, body, { cosigned })
  }
}

/** Exit 1 where nobody cosigned. */
async function cosign(invocation: Invocation): Promise<number> {
  const { body, cosigned, refused } = await withLinks(invocation, (_links, { witness }) =>
    witness.audit_cosign({})
  )
  await show(invocation, body, { cosigned, refused })
  for (const { hub, why } of refused) invocation.terminal.note(`${hub} did not cosign: ${printable(why)}`)
  if (cosigned.length > 0) return EXIT.ok
  if (refused.length === 0)
    invocation.terminal.note(
      'no linked hub witnesses this log: its treaty with this one needs witness = true'
    )
  return EXIT.failed
}

async function show(
  invocation: Invocation,
  note: Uint8Array = new Uint8Array(0),
  more = {}
): Promise<number> {
  const { parseCheckpoint, parseNote } = await import('../../node/index.ts')
  const checkpoint = Buffer.from(note).toString()
  const { origin, size, root } = parseCheckpoint(parseNote(checkpoint).text)
  const shown = { origin, size, root: Buffer.from(root).toString('hex'), checkpoint, ...more }
  invocation.show(shown, () => checkpoint.trimEnd())
  return EXIT.ok
}
