import type { CommandBody } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { policyText } from '../policy-text.ts'
import { printable } from '../terminal.ts'

export const policyCheck: CommandBody = {
  details:
    'Needs no node, no data folder and no network. A good one is printed rule by rule, with its hash, which every hub ' +
    'computes alike. Exit 1 when something is wrong.',
  arguments: [{ name: 'FILE', summary: 'a policy as JSON', completes: 'file' }],
  examples: [{ line: 'omnigate policy check policy.json', says: 'what it says, or what is wrong with it' }],
  exits: ['failed'],
  async run(invocation) {
    const { policyHash, readPolicyFile } = await import('../../node/index.ts')
    const read = await readPolicyFile(invocation.neededArgument('FILE'))
    if ('problems' in read) {
      const { problems } = read
      invocation.show({ ok: false, problems }, () => problems.map(problem => printable(problem)).join('\n'))
      return EXIT.failed
    }
    const policy_hash = policyHash(read.value)
    invocation.show({ ok: true, problems: [], policy_hash, policy: read.value }, () =>
      policyText(read.value, policy_hash, invocation.terminal)
    )
    return EXIT.ok
  }
}
