import { DATA_OPTION } from '../command.ts'
import type { CommandBody } from '../command.ts'
import { CommandError } from '../command-error.ts'
import { EXIT } from '../exit-codes.ts'
import { HUB_KEY_OPTIONS, givenHubKey } from '../hub-key.ts'
import type { Invocation } from '../invocation.ts'
import { dateText, durationS } from '../moment.ts'
import { OPERATOR_DETAILS, OPERATOR_EXITS, withOperator } from '../operator.ts'
import { facts } from '../terminal.ts'

export const capRotate: CommandBody = {
  details:
    'A root key, unless --revocation-key is given. Tokens of the key before it stay good for the grace, 48 hours unless you say otherwise, and can be renewed under ' +
    `the new key in that time. --break-glass drops all other keys at once, for a key that somebody stole. ` +
    `--revocation-key replaces the key that signs revocations instead; the hub key signs for it, and is given with --hub-key ` +
    `to a stopped node when it is kept elsewhere, with its password when it has one. ${OPERATOR_DETAILS}`,
  options: [
    DATA_OPTION,
    {
      name: 'grace',
      value: 'TIME',
      summary: 'how long tokens of the key before stay good: 48h',
      completes: 'nothing'
    },
    {
      name: 'break-glass',
      summary: 'no grace, not for earlier keys either: every token is refused from now on'
    },
    {
      name: 'revocation-key',
      summary: 'not the root key: the key that signs revocations, by the word of the hub key'
    },
    ...HUB_KEY_OPTIONS
  ],
  examples: [
    { line: 'omnigate cap rotate --data ./hub', says: 'what to do now and then' },
    { line: 'omnigate cap rotate --data ./hub --break-glass', says: 'a root key has leaked' },
    { line: 'omnigate cap rotate --data ./hub --revocation-key', says: 'revocation.key has leaked' }
  ],
  exits: [...OPERATOR_EXITS, 'interrupted'],
  async run(invocation) {
    const grace = invocation.option('grace')
    const isBroken = invocation.flag('break-glass')
    if (grace !== undefined && isBroken)
      throw new CommandError(EXIT.usage, '--break-glass leaves no grace; give one of the two')
    if (invocation.flag('revocation-key'))
      return replaceRevocationKey(invocation, isBroken || grace !== undefined)
    const rotation = await withOperator(invocation, operator =>
      operator.cap_rotate({
        ...(grace !== undefined && { grace_s: durationS('grace', grace) }),
        ...(isBroken && { break_glass: true })
      })
    )
    const { kid, previous, grace_until } = rotation
    invocation.show({ ...rotation, grace_until: grace_until ?? null }, () =>
      facts(
        [
          ['mints with', `root key ${kid}`],
          [
            'before it',
            grace_until === undefined
              ? `root key ${previous}, refused from now on`
              : `root key ${previous}, good until ${dateText(grace_until)}`
          ]
        ],
        invocation.terminal
      )
    )
    return EXIT.ok
  }
}

async function replaceRevocationKey(invocation: Invocation, isMore: boolean): Promise<number> {
  if (isMore)
    throw new CommandError(
      EXIT.usage,
      '--revocation-key has no grace: give neither --grace nor --break-glass'
    )
  const { epoch, key } = await withOperator(
    invocation,
    operator => operator.cap_rotate_revocation({}),
    givenHubKey(invocation)
  )
  invocation.show({ epoch, key }, () =>
    facts(
      [
        ['revokes with', `key ${key}`],
        ['its epoch', `${epoch}, signed for by the hub key`]
      ],
      invocation.terminal
    )
  )
  return EXIT.ok
}
