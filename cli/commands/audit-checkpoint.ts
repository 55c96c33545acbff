import { withAudit } from '../audit-client.ts'
import { DATA_OPTION } from '../command.ts'
import type { Command } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { OPERATOR_EXITS } from '../operator.ts'

export const auditCheckpoint: Command = {
  name: 'audit checkpoint',
  summary: 'print the newest signed head of the audit log',
  details:
    'A C2SP checkpoint: the origin of the log, how many entries it has, the root of their tree, and the signature of the ' +
    'key in audit/log.vkey. Keep one away from the machine: with it audit verify sees what was cut off or rewritten later.',
  options: [DATA_OPTION],
  examples: [
    {
      line: 'omnigate audit checkpoint --data ./hub > head.txt',
      says: 'for audit verify --checkpoint head.txt'
    }
  ],
  exits: OPERATOR_EXITS,
  async run(invocation) {
    const { parseCheckpoint, parseNote } = await import('../../node/index.ts')
    const note = await withAudit(invocation, ({ audit }) => audit.log.checkpoint({}))
    const checkpoint = Buffer.from(note).toString()
    const { origin, size, root } = parseCheckpoint(parseNote(checkpoint).text)
    const shown = { origin, size, root: Buffer.from(root).toString('hex'), checkpoint }
    invocation.show(shown, () => checkpoint.trimEnd())
    return EXIT.ok
  }
}
