import { DATA_OPTION } from '../command.ts'
import type { CommandBody } from '../command.ts'
import { CommandError } from '../command-error.ts'
import { EXIT } from '../exit-codes.ts'
import { PAIRING_EXITS, withLinks } from '../pairing.ts'
import { facts } from '../terminal.ts'
import { HUB_ARGUMENT } from './peer-show.ts'

export const peerForget: CommandBody = {
  details:
    'What is forgotten is judged anew when it comes again, as if nothing had been seen: ask its operator first. ' +
    '--snapshots is for a hub whose newest snapshot cannot be taken any more, as after a restore beside a clock that was ' +
    'wrong; --logs for one with as many logs as a witness remembers, or whose row is damaged. The hub need not be on the ' +
    'allowlist. Its revocations and the proofs against it stay. Needs a running node.',
  arguments: [HUB_ARGUMENT],
  options: [
    DATA_OPTION,
    { name: 'snapshots', summary: 'the snapshots that are kept of it' },
    { name: 'logs', summary: 'the heads of its audit logs that this node has seen and cosigned' }
  ],
  examples: [
    {
      line: 'omnigate peer forget --data ./hub h1... --snapshots',
      says: 'its next snapshot is taken as the first'
    }
  ],
  exits: PAIRING_EXITS,
  async run(invocation) {
    const hub = invocation.neededArgument(HUB_ARGUMENT.name)
    const [isSnapshots, isLogs] = [invocation.flag('snapshots'), invocation.flag('logs')]
    if (!isSnapshots && !isLogs)
      throw new CommandError(EXIT.usage, 'say what is to be forgotten: --snapshots, --logs or both')
    const forgotten = await withLinks(invocation, async (_links, { snapshots, witness }) => ({
      ...(isSnapshots && { snapshots: (await snapshots.snapshot_forget({ hub })).forgotten }),
      ...(isLogs && { logs: (await witness.log_forget({ hub })).forgotten })
    }))
    invocation.show({ hub, forgotten }, () =>
      facts(
        [
          ['hub', hub],
          ...Object.entries(forgotten).map(([what, count]): [string, string] => [what, `${count} forgotten`])
        ],
        invocation.terminal
      )
    )
    return EXIT.ok
  }
}
