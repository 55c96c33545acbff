import { DATA_OPTION } from '../command.ts'
import type { CommandBody } from '../command.ts'
import type { Difference } from '../../node/index.ts'
import { differenceText } from '../difference-text.ts'
import { EXIT } from '../exit-codes.ts'
import type { Invocation } from '../invocation.ts'
import { OPERATOR_EXITS, withFederation } from '../operator.ts'
import { printable } from '../terminal.ts'
import { treatyBody, treatyDocument, treatyFile } from '../treaty-file.ts'

interface Checked {
  readonly problems: readonly string[]
  readonly differences: readonly Difference[]
  readonly knowsTheirs: boolean
}

export const treatyCheck: CommandBody = {
  details:
    'Needs no node, no data folder and no network. With --data it also says which tenants of the file the hub does not ' +
    'have, and with --hub where the file and what the other hub grants differ, if that was heard since the node started. ' +
    'Exit 1 when something is wrong; differences are nothing wrong.',
  arguments: [
    {
      name: 'FILE',
      summary: 'a treaty as TOML or JSON, as treaty show prints it, or - for standard input',
      completes: 'file'
    }
  ],
  options: [
    { ...DATA_OPTION, isRequired: false, summary: 'data folder of the hub that is to use it' },
    { name: 'hub', value: 'HUB', summary: 'the hub that it is for; needs --data', completes: 'nothing' }
  ],
  examples: [
    { line: 'omnigate treaty check clinic.toml', says: 'what is wrong with it, each with its place' },
    {
      line: 'omnigate treaty check clinic.toml --data ./hub --hub h1...',
      says: 'and where the other side differs'
    }
  ],
  exits: OPERATOR_EXITS,
  async run(invocation) {
    const file = invocation.neededArgument('FILE')
    const document = await treatyDocument(await treatyFile(file), file)
    const hasHub = invocation.option('data') !== undefined || invocation.option('hub') !== undefined
    const { problems, differences, knowsTheirs } = hasHub
      ? await byHub(invocation, document)
      : await offline(document)
    const ok = problems.length === 0
    const shown = { ok, problems, ...(hasHub && { knows_theirs: knowsTheirs, differences }) }
    invocation.show(shown, () =>
      [
        ...(ok ? ['the treaty is good'] : problems.map(problem => printable(problem))),
        ...differences.map(differenceText),
        ...(invocation.option('hub') !== undefined && !knowsTheirs
          ? ['what the other hub grants is not known: it has not linked since the node started']
          : [])
      ].join('\n')
    )
    return ok ? EXIT.ok : EXIT.failed
  }
}

async function offline(document: unknown): Promise<Checked> {
  const { readTreatyDocument } = await import('../../node/index.ts')
  const read = readTreatyDocument(document, { nowS: Math.floor(Date.now() / 1000) })
  return { problems: 'problems' in read ? read.problems : [], differences: [], knowsTheirs: false }
}

async function byHub(invocation: Invocation, document: unknown): Promise<Checked> {
  const hub = invocation.option('hub')
  const answer = await withFederation(invocation, federation =>
    federation.treaty_check({ ...(hub !== undefined && { hub }), body: treatyBody(document) })
  )
  const found = JSON.parse(Buffer.from(answer.body ?? []).toString()) as Omit<Checked, 'knowsTheirs'>
  return { ...found, knowsTheirs: answer.knows_theirs }
}
