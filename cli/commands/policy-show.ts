import type { Policy } from '../../node/index.ts'
import { DATA_OPTION } from '../command.ts'
import type { CommandBody } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { PAIRING_EXITS } from '../pairing.ts'
import { withPolicy } from '../policy.ts'
import { policyText } from '../policy-text.ts'
import { printable } from '../terminal.ts'

export const policyShow: CommandBody = {
  details:
    'federation.policy names its file; without one the built-in policy holds. A change of the file holds within a ' +
    'second; a file that is wrong changes nothing, and problem says what is wrong with it. Needs the running node.',
  options: [DATA_OPTION],
  examples: [
    { line: 'omnigate policy show --data ./hub', says: 'rules, weights and thresholds' },
    { line: 'omnigate policy show --data ./hub --json', says: 'the policy itself, to begin a file with' }
  ],
  exits: PAIRING_EXITS,
  async run(invocation) {
    const { body, ...head } = await withPolicy(invocation, policy => policy.policy_show({}))
    const policy = JSON.parse(Buffer.from(body ?? []).toString()) as Policy
    const { terminal } = invocation
    invocation.show({ ...head, policy }, () =>
      policyText(policy, head.policy_hash, terminal, [
        ['from', head.source === 'file' ? printable(head.file ?? '') : 'the program'],
        ['problem', printable(head.problem ?? '')],
        ['waiting', head.items === 0 ? '' : `${head.items} messages, ${head.bytes} bytes`]
      ])
    )
    return EXIT.ok
  }
}
