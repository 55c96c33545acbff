import { DATA_OPTION } from '../command.ts'
import type { CommandBody } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { PAIRING_EXITS } from '../pairing.ts'
import { withPolicy } from '../policy.ts'
import { type Explained, explainedText } from '../policy-text.ts'

export const policyExplain: CommandBody = {
  details:
    'Prints what was known of it, which rules held and what they weigh, and decides once more from what the audit log ' +
    'has recorded. What was accepted is counted there and not recorded one by one. Needs the running node.',
  arguments: [
    {
      name: 'ITEM',
      summary: 'the federated id, as federation quarantine list and audit tail print it',
      completes: 'nothing'
    }
  ],
  options: [DATA_OPTION],
  examples: [
    { line: 'omnigate policy explain 5f1d09c4... --data ./hub', says: 'why it waits, or was turned away' }
  ],
  exits: PAIRING_EXITS,
  async run(invocation) {
    const id = invocation.neededArgument('ITEM')
    const answer = await withPolicy(invocation, policy => policy.policy_explain({ id }))
    const explained = JSON.parse(Buffer.from(answer.body ?? []).toString()) as Explained
    const { is_quarantined, is_same } = answer
    invocation.show({ is_quarantined, is_same, ...explained }, () =>
      explainedText(explained, { isQuarantined: is_quarantined, isSame: is_same }, invocation.terminal)
    )
    return EXIT.ok
  }
}
