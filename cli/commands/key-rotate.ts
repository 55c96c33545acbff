import type { OwnKeyRole } from '../../node/index.ts'
import { CommandError } from '../command-error.ts'
import { DATA_OPTION } from '../command.ts'
import type { CommandBody } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { HUB_KEY_DETAILS, HUB_KEY_OPTIONS, KEY_EXITS, givenHubKey } from '../hub-key.ts'
import type { Invocation } from '../invocation.ts'
import { LIFE_OPTIONS, lifeGiven } from '../life.ts'
import { dateText } from '../moment.ts'
import { facts } from '../terminal.ts'
import { showDelegated } from './key-delegate.ts'

export const keyRotate: CommandBody = {
  details:
    'The hub stays what it is: nobody changes an allowlist, and what the old key signed stays valid. Addresses that end in ' +
    `the old peer id no longer reach the node. A crash leaves the old key or the new one. ${HUB_KEY_DETAILS}`,
  options: [
    DATA_OPTION,
    {
      name: 'role',
      value: 'ROLE',
      summary: 'whose key: message, receipt, witness, snapshot or manifest (default: the node key)',
      completes: 'nothing'
    },
    ...LIFE_OPTIONS,
    ...HUB_KEY_OPTIONS
  ],
  examples: [
    { line: 'omnigate key rotate --data ./hub', says: 'the hub key lies in the data folder' },
    {
      line: 'omnigate key rotate --data ./hub --hub-key /media/usb/hub.key',
      says: 'the hub key is kept on a stick; its password is asked for'
    }
  ],
  exits: KEY_EXITS,
  async run(invocation) {
    const { openKeys, rotateNodeKey, rotateRoleKey } = await import('../../node/index.ts')
    const data = invocation.neededOption(DATA_OPTION)
    const life = lifeGiven(invocation)
    const role = await roleGiven(invocation)
    await using hub = await openKeys(data, { hubKey: givenHubKey(invocation), nowMs: Date.now() })
    if (role !== undefined) {
      const { statement } = await rotateRoleKey(hub, role, life)
      showDelegated(invocation, statement)
      return EXIT.ok
    }
    const { before, now } = await rotateNodeKey(hub, life)
    const { peer_id, epoch, not_after } = now.statement
    const shown = { hub_id: hub.keys.hubId, peer_id, epoch, not_after, previous: before.statement.peer_id }
    invocation.show(shown, () =>
      facts(
        [
          ['peer', peer_id],
          ['delegated', `until ${dateText(not_after)}, epoch ${epoch}`],
          ['before it', before.statement.peer_id]
        ],
        invocation.terminal
      )
    )
    return EXIT.ok
  }
}

async function roleGiven(invocation: Invocation): Promise<OwnKeyRole | undefined> {
  const { OWN_KEY_ROLES } = await import('../../node/index.ts')
  const text = invocation.option('role')
  const role = OWN_KEY_ROLES.find(known => known === text)
  if (text === undefined || text === 'link' || role !== undefined) return role
  const elsewhere =
    'the key of revocations is replaced by cap rotate --revocation-key, that of a log by a new log'
  throw new CommandError(
    EXIT.usage,
    `--role: must be link or one of ${OWN_KEY_ROLES.join(', ')}; ${elsewhere}`
  )
}
