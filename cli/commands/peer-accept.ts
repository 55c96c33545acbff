import { CommandError } from '../command-error.ts'
import { DATA_OPTION } from '../command.ts'
import type { Argument, CommandBody } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import {
  PAIRING_EXITS,
  TREATY_OPTION,
  askToConfirm,
  confirmedText,
  treatyOption,
  waitingText,
  withLinks
} from '../pairing.ts'

const CODE_ARGUMENT: Argument = {
  name: 'CODE',
  summary: 'what peer invite printed at the other hub, or - for standard input',
  completes: 'nothing'
}
const MAX_CODE_CHARS = 8192
/** For the person who compares. */
const MAX_WAIT_MS = 17 * 60_000

export const peerAccept: CommandBody = {
  details:
    'Dials the hub of the invite and proves to each the keys of the other. Then both operators compare the fingerprint, ' +
    'by another way than the code went; only when both confirm does each hub stand on the list of the other. Where nobody ' +
    'sits at the terminal, and with --json, peer confirm does the rest. Without --treaty the other hub may call echo, ' +
    'little of it, and nothing else. Needs a running node.',
  arguments: [CODE_ARGUMENT],
  options: [DATA_OPTION, TREATY_OPTION],
  examples: [
    { line: 'omnigate peer accept --data ./hub AcJ1...', says: 'shows the fingerprint, and asks' },
    { line: 'omnigate peer accept --data ./hub - < code', says: 'a code that stays out of the process list' }
  ],
  exits: [...PAIRING_EXITS, 'interrupted'],
  async run(invocation) {
    const given = invocation.neededArgument(CODE_ARGUMENT.name)
    const body = await treatyOption(invocation)
    const code = given === '-' ? await codeOfInput() : given
    return withLinks(
      invocation,
      async links => {
        const pairing = await links.pair_accept({ code, ...(body && { body }) })
        invocation.show(pairing, () => waitingText(pairing, invocation))
        const said = await askToConfirm(links, pairing, invocation)
        if (said === 'declined') throw new CommandError(EXIT.failed, 'declined; nothing was written')
        if (said === 'confirmed') invocation.terminal.note(confirmedText(pairing.hub, invocation))
        return EXIT.ok
      },
      MAX_WAIT_MS
    )
  }
}

async function codeOfInput(): Promise<string> {
  let text = ''
  for await (const piece of process.stdin) {
    text += String(piece)
    if (text.length > MAX_CODE_CHARS)
      throw new CommandError(EXIT.badInput, 'standard input: longer than any code')
  }
  return text.trim()
}
