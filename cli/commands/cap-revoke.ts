import { DATA_OPTION } from '../command.ts'
import type { CommandBody } from '../command.ts'
import { CommandError } from '../command-error.ts'
import { wholeNumber } from '../caveat-options.ts'
import { EXIT } from '../exit-codes.ts'
import type { Invocation } from '../invocation.ts'
import { OPERATOR_DETAILS, OPERATOR_EXITS, withOperator } from '../operator.ts'
import { facts } from '../terminal.ts'

export const capRevoke: CommandBody = {
  details:
    'By the id of one, by the root key that minted them, or by their subject. Calls under way end within a second. ' +
    `There is no way back: mint anew what should go on. ${OPERATOR_DETAILS}`,
  arguments: [
    {
      name: 'CAP_ID',
      summary: '32 hex digits, as cap mint, cap list and cap inspect print them',
      isOptional: true,
      completes: 'nothing'
    }
  ],
  options: [
    DATA_OPTION,
    { name: 'kid', value: 'K', summary: 'all that root key K minted; rotate first', completes: 'nothing' },
    {
      name: 'subject',
      value: 'NAME',
      summary: 'all that were minted for this subject',
      completes: 'nothing'
    },
    {
      name: 'reason',
      value: 'TEXT',
      summary: 'why, for the list that others are shown',
      completes: 'nothing'
    }
  ],
  examples: [
    { line: 'omnigate cap revoke --data ./hub 4f0c...', says: 'one capability' },
    {
      line: 'omnigate cap revoke --data ./hub --subject agent-7 --reason "laptop lost"',
      says: 'all of agent-7'
    }
  ],
  exits: OPERATOR_EXITS,
  async run(invocation) {
    const thing = thingOf(invocation)
    const reason = invocation.option('reason')
    const { seq, statements } = await withOperator(invocation, operator =>
      operator.cap_revoke({ ...thing, ...(reason !== undefined && { reason }) })
    )
    invocation.show({ ...thing, statements, revocation_seq: seq }, () =>
      facts(
        [
          [
            'revoked',
            statements === 0 ? `${subjectText(thing)}, which was revoked before` : subjectText(thing)
          ],
          ['revocation_seq', seq]
        ],
        invocation.terminal
      )
    )
    return EXIT.ok
  }
}

interface Thing {
  readonly cap_id?: string
  readonly kid?: number
  readonly subject?: string
}

function thingOf(invocation: Invocation): Thing {
  const capId = invocation.argument('CAP_ID')
  const kid = invocation.option('kid')
  const subject = invocation.option('subject')
  if ([capId, kid, subject].filter(given => given !== undefined).length !== 1)
    throw new CommandError(EXIT.usage, 'say what to revoke: one of CAP_ID, --kid K and --subject NAME')
  if (capId !== undefined && !/^[0-9a-f]{32}$/.test(capId))
    throw new CommandError(
      EXIT.usage,
      'CAP_ID: must be 32 hex digits in lower case; see cap list, or cap inspect'
    )
  if (capId !== undefined) return { cap_id: capId }
  return kid === undefined ? { subject: subject ?? '' } : { kid: wholeNumber('kid', kid) }
}

function subjectText({ cap_id, kid, subject }: Thing): string {
  if (cap_id !== undefined) return `capability ${cap_id}`
  return kid === undefined ? `all capabilities of subject ${subject}` : `all capabilities of root key ${kid}`
}
