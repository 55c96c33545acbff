import { withAudit } from '../audit-client.ts'
import type { OpenAudit } from '../audit-client.ts'
import { auditLines, countOption } from '../audit-lines.ts'
import { DATA_OPTION } from '../command.ts'
import type { CommandBody } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import type { Invocation } from '../invocation.ts'
import { newFile } from '../new-file.ts'
import { facts } from '../terminal.ts'
import { OPERATOR_EXITS } from '../operator.ts'

const LINES_AT_ONCE = 1000

export const auditExport: CommandBody = {
  details:
    'FILE.proof beside the file is what audit verify needs: neither the node nor the rest of the log. Without --output ' +
    'the entries go to standard output, one JSON object a line, and nothing proves them.',
  options: [
    DATA_OPTION,
    {
      name: 'from',
      value: 'A',
      summary: 'first entry (default: the first that is kept)',
      completes: 'nothing'
    },
    {
      name: 'to',
      value: 'B',
      summary: 'the one behind the last (default: all there are)',
      completes: 'nothing'
    },
    { name: 'output', short: 'o', value: 'FILE', summary: 'new file for the entries', completes: 'file' }
  ],
  examples: [
    { line: 'omnigate audit export --data ./hub -o audit.ndjson', says: 'all of it, and audit.ndjson.proof' },
    { line: 'omnigate audit export --data ./hub --from 7 --to 8 -o seven.ndjson', says: 'entry 7 alone' }
  ],
  exits: [...OPERATOR_EXITS, 'cannotCreate'],
  async run(invocation) {
    const given = { from: countOption(invocation, 'from'), to: countOption(invocation, 'to') }
    const output = invocation.option('output')
    return withAudit(invocation, async open => {
      const { first } = await open.audit.admin.audit_log({})
      const from = given.from ?? first
      if (output === undefined) return print(invocation, open, from, given.to)
      return write(invocation, open, { from, to: given.to, output })
    })
  }
}

async function print(
  { terminal }: Invocation,
  { audit }: OpenAudit,
  from: number,
  to: number | undefined
): Promise<number> {
  for await (const line of auditLines(audit, from, to)) terminal.result(line)
  return EXIT.ok
}

interface Wanted {
  readonly from: number
  readonly to: number | undefined
  readonly output: string
}

async function write(
  invocation: Invocation,
  { audit }: OpenAudit,
  { from, to, output }: Wanted
): Promise<number> {
  const proof = await audit.admin.audit_proof({ from, ...(to !== undefined && { to }) })
  await using file = await newFile(output)
  await using proofFile = await newFile(`${output}.proof`)
  await proofFile.write(proof.body ?? new Uint8Array())
  let lines: string[] = []
  const flush = async (): Promise<void> => {
    if (lines.length > 0) await file.write(Buffer.from(`${lines.join('\n')}\n`))
    lines = []
  }
  for await (const line of auditLines(audit, from, proof.to)) {
    if (lines.push(line) === LINES_AT_ONCE) await flush()
  }
  await flush()
  await proofFile.commit()
  await file.commit()
  const shown = { file: output, proof: `${output}.proof`, from, to: proof.to }
  invocation.show(shown, () =>
    facts(
      [
        ['entries', `${from} to ${proof.to - 1}`],
        ['file', output],
        ['proof', shown.proof]
      ],
      invocation.terminal
    )
  )
  return EXIT.ok
}
