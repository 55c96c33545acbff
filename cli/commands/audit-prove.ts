import type { AuditClient } from '../../node/index.ts'
import { withAudit } from '../audit-client.ts'
import { auditLines, readCount } from '../audit-lines.ts'
import { CommandError } from '../command-error.ts'
import { DATA_OPTION } from '../command.ts'
import type { CommandBody } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { OPERATOR_EXITS } from '../operator.ts'

const HASH_BYTES = 32

export const auditProve: CommandBody = {
  details:
    'The form is that of a C2SP tlog-proof: the path from the entry to the root of the newest checkpoint, and that ' +
    'checkpoint. The leaf is the line of the entry without its line feed. Before it is printed the proof is checked with ' +
    'the entry, unless that was pruned. For a proof that audit verify reads, export the entry.',
  arguments: [{ name: 'SEQ', summary: 'sequence of the entry, from 0', completes: 'nothing' }],
  options: [DATA_OPTION],
  examples: [{ line: 'omnigate audit prove 7 --data ./hub > 7.tlog-proof', says: 'of entry 7' }],
  exits: OPERATOR_EXITS,
  async run(invocation) {
    const given = invocation.neededArgument('SEQ')
    const seq = readCount(`SEQ ${given}`, given)
    const { checkpoint, hashes, ...proof } = await withAudit(invocation, ({ audit }) => prove(audit, seq))
    const hex = hashes.map(hash => hash.toString('hex'))
    invocation.show({ ...proof, hashes: hex, checkpoint }, () =>
      [
        'c2sp.org/tlog-proof@v1',
        `index ${seq}`,
        ...hashes.map(hash => hash.toString('base64')),
        '',
        checkpoint
      ]
        .join('\n')
        .trimEnd()
    )
    return EXIT.ok
  }
}

async function prove(audit: AuditClient, seq: number) {
  const { leafHash, parseCheckpoint, parseNote, rootFromInclusion } = await import('../../node/index.ts')
  const checkpoint = Buffer.from(await audit.log.checkpoint({})).toString()
  const { origin, size, root } = parseCheckpoint(parseNote(checkpoint).text)
  const { body = new Uint8Array() } = await audit.log.inclusion({ seq, size })
  const hashes = Array.from({ length: body.length / HASH_BYTES }, (_, n) =>
    Buffer.from(body.subarray(n * HASH_BYTES, (n + 1) * HASH_BYTES))
  )
  const entry = await entryOf(audit, seq)
  if (entry !== undefined) {
    const found = rootFromInclusion(leafHash(Buffer.from(entry)), seq, size, hashes)
    if (found === undefined || Buffer.compare(found, root) !== 0)
      throw new CommandError(EXIT.failed, `entry ${seq}: the log does not prove it; see audit verify`)
  }
  return {
    seq,
    origin,
    size,
    root: Buffer.from(root).toString('hex'),
    entry: entry ?? null,
    hashes,
    checkpoint
  }
}

/** Undefined when it was pruned. */
async function entryOf(audit: AuditClient, seq: number): Promise<string | undefined> {
  const { first } = await audit.admin.audit_log({})
  if (seq < first) return undefined
  const { value } = await auditLines(audit, seq, seq + 1).next()
  return value ?? undefined
}
