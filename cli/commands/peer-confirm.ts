import { CommandError } from '../command-error.ts'
import { DATA_OPTION } from '../command.ts'
import type { CommandBody } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import type { Invocation } from '../invocation.ts'
import { PAIRING_EXITS, confirmedText, waitingText, withLinks } from '../pairing.ts'
import type { Waiting } from '../pairing.ts'
import { printable } from '../terminal.ts'
import { HUB_ARGUMENT } from './peer-show.ts'

export const peerConfirm: CommandBody = {
  details:
    'For peer invite and peer accept where nobody sits at the terminal. --fingerprint is what the other operator read out; ' +
    'another one than this node shows ends the pairing, since somebody may stand between the two hubs. Needs a running node.',
  arguments: [{ ...HUB_ARGUMENT, isOptional: true }],
  options: [
    DATA_OPTION,
    {
      name: 'fingerprint',
      value: 'TEXT',
      summary: 'what the other operator sees; case, spaces and dashes do not matter',
      completes: 'nothing'
    },
    { name: 'decline', summary: 'end the pairing with this hub' }
  ],
  examples: [
    { line: 'omnigate peer confirm --data ./hub', says: 'which hubs wait, with their fingerprints' },
    {
      line: 'omnigate peer confirm --data ./hub h1... --fingerprint abcd-efgh-2345-ijkl',
      says: 'puts the hub on the allowlist'
    }
  ],
  exits: PAIRING_EXITS,
  async run(invocation) {
    const hub = invocation.argument(HUB_ARGUMENT.name)
    const fingerprint = invocation.option('fingerprint')
    const isDeclined = invocation.flag('decline')
    if (hub === undefined && (fingerprint !== undefined || isDeclined))
      throw new CommandError(EXIT.usage, 'give the hub id that peer confirm prints without one')
    if (hub !== undefined && (fingerprint !== undefined) === isDeclined)
      throw new CommandError(EXIT.usage, 'give either --fingerprint TEXT or --decline')
    return withLinks(invocation, async links => {
      if (hub === undefined) {
        const { waiting } = await links.pair_state({})
        invocation.show({ waiting }, () => listText(waiting, invocation))
        return EXIT.ok
      }
      if (fingerprint === undefined) {
        await links.pair_decline({ hub })
        invocation.show({ hub, declined: true }, () => `${printable(hub)}: declined`)
        return EXIT.ok
      }
      const confirmed = await links.pair_confirm({ hub, fingerprint })
      invocation.show({ ...confirmed, confirmed: true }, () => confirmedText(hub, invocation))
      return EXIT.ok
    })
  }
}

const listText = (waiting: readonly Waiting[], invocation: Invocation): string =>
  waiting.length === 0
    ? 'no pairing waits'
    : waiting.map(pairing => waitingText(pairing, invocation)).join('\n\n')
