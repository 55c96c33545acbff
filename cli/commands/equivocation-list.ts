import { DATA_OPTION } from '../command.ts'
import type { CommandBody } from '../command.ts'
import { every } from '../every.ts'
import { EXIT } from '../exit-codes.ts'
import { PAIRING_EXITS, withLinks } from '../pairing.ts'
import { columns } from '../terminal.ts'

const ID_CHARS = 16

export const equivocationList: CommandBody = {
  details:
    'A hub that signed two histories of its audit log, two delegations of one place or two successors is in quarantine ' +
    'until peer release or peer remove. What linked hubs prove is in the list, too, once it was judged here. Needs a ' +
    'running node.',
  options: [DATA_OPTION],
  examples: [
    { line: 'omnigate equivocation list --data ./hub', says: 'who lied, in what, and since when it is known' }
  ],
  exits: PAIRING_EXITS,
  async run(invocation) {
    const proofs = await withLinks(invocation, (_links, { witness }) => every(witness.equivocation_list({})))
    invocation.show({ proofs }, () =>
      proofs.length === 0
        ? 'no hub is known to have said two things'
        : columns([
            ['PROOF', 'KIND', 'FOUND', 'HUB', 'STATE'],
            ...proofs.map(({ id, kind, found, hub, decided }) => [
              id.slice(0, ID_CHARS),
              kind,
              new Date(found * 1000).toISOString(),
              hub,
              decided === undefined ? 'quarantine' : 'decided'
            ])
          ])
    )
    return EXIT.ok
  }
}
