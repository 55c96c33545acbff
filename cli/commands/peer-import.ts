import { CommandError } from '../command-error.ts'
import { DATA_OPTION } from '../command.ts'
import type { Argument, CommandBody } from '../command.ts'
import { readConfigFile } from '../config-file.ts'
import { EXIT } from '../exit-codes.ts'
import { OPERATOR_DETAILS, OPERATOR_EXITS, withFederation } from '../operator.ts'
import { asCalled, shellWord } from '../self.ts'
import { facts, printable } from '../terminal.ts'

const FILE_ARGUMENT: Argument = {
  name: 'FILE',
  summary: 'what key export prints at the other hub',
  completes: 'file'
}

export const peerImport: CommandBody = {
  details:
    'Linked hubs tell each other the same. The file is for what cannot come over a link: that a hub goes on under another ' +
    'hub id, or that a key was revoked while there was no link. It changes no allowlist; it may put a hub in quarantine ' +
    `that said two things. ${OPERATOR_DETAILS}`,
  arguments: [FILE_ARGUMENT],
  options: [
    DATA_OPTION,
    {
      name: 'hub',
      value: 'HUB',
      summary: 'the hub id that the file must be of',
      completes: 'nothing'
    }
  ],
  examples: [
    {
      line: 'omnigate peer import --data ./hub clinic.json',
      says: 'keys that it revoked, and whether it goes on as another'
    }
  ],
  exits: OPERATOR_EXITS,
  async run(invocation) {
    const data = invocation.neededOption(DATA_OPTION)
    const path = invocation.neededArgument(FILE_ARGUMENT.name)
    const hub = invocation.option('hub')
    const { text } = await readConfigFile(path, 'the file that key export printed')
    const body = Buffer.from(text)
    const taken = await withFederation(invocation, federation =>
      federation.peer_import({ ...(hub !== undefined && { hub }), body })
    ).catch((error: unknown) => {
      throw inFile(path, error)
    })
    const { learned, known, refused, equivocating, follows } = taken
    const succeed = asCalled(`omnigate peer succeed --data ${shellWord(data)} ${taken.hub}`)
    invocation.show(taken, () =>
      facts(
        [
          ['hub', taken.hub],
          ['new', learned],
          ['known', known],
          ['not taken', refused.map(why => printable(why)).join('; ')],
          ...equivocating.map(other => ['quarantine', `${other} said two things; see peer show`] as const),
          ['follows', follows ?? ''],
          ['next', follows === undefined ? '' : `ask its operator by another way; if it is so: ${succeed}`]
        ],
        invocation.terminal
      )
    )
    return EXIT.ok
  }
}

/** What is wrong with the file is said with its path; the hub judges it, so that its audit log has the refusal. */
function inFile(path: string, error: unknown): unknown {
  const [, problem] = error instanceof CommandError ? (/^file: (.*)$/s.exec(error.message) ?? []) : []
  return problem === undefined || problem.startsWith('is of hub ')
    ? error
    : new CommandError(EXIT.badInput, `${printable(path)}: ${problem}`, { cause: error })
}
