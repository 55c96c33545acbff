import type { DelegationStatement, Role } from '../../node/index.ts'
import { CommandError } from '../command-error.ts'
import { DATA_OPTION } from '../command.ts'
import type { CommandBody } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { HUB_KEY_DETAILS, HUB_KEY_OPTIONS, KEY_EXITS, givenHubKey } from '../hub-key.ts'
import type { Invocation } from '../invocation.ts'
import { LIFE_OPTIONS, lifeGiven } from '../life.ts'
import { dateText } from '../moment.ts'
import { facts } from '../terminal.ts'

const ROLE_OPTION = { name: 'role', value: 'ROLE' } as const

export const keyDelegate: CommandBody = {
  details:
    'A role is link, message, receipt, revocation, log, witness, snapshot or manifest. For this node its own key of that role ' +
    'is signed for, and made if it has none; the new epoch supersedes the one before, whose statements stay valid. For ' +
    'another node give its name and its public key; the delegation is printed, for that node to keep. ' +
    HUB_KEY_DETAILS,
  options: [
    DATA_OPTION,
    { ...ROLE_OPTION, summary: 'what the key may sign', isRequired: true, completes: 'nothing' },
    ...LIFE_OPTIONS,
    { name: 'node', value: 'NODE', summary: 'another node of the hub', completes: 'nothing' },
    { name: 'peer', value: 'PEER_ID', summary: 'its peer id, for the role link', completes: 'nothing' },
    { name: 'key', value: 'HEX', summary: 'its public key, for the other roles', completes: 'nothing' },
    ...HUB_KEY_OPTIONS
  ],
  examples: [
    {
      line: 'omnigate key delegate --data ./hub --role link',
      says: 'the delegation of the node key ends soon'
    },
    {
      line: 'omnigate key delegate --data ./hub --role link --node paris-2 --peer 12D3KooW... > delegation.json',
      says: 'another node, which keeps that file among its keys'
    }
  ],
  exits: ['failed', ...KEY_EXITS],
  async run(invocation) {
    const { delegateOther, delegateOwn, formatDelegation, openKeys } = await import('../../node/index.ts')
    const data = invocation.neededOption(DATA_OPTION)
    const role = await roleGiven(invocation)
    const life = lifeGiven(invocation)
    const other = otherGiven(invocation, role)
    await using hub = await openKeys(data, { hubKey: givenHubKey(invocation), nowMs: Date.now() })
    if (other !== undefined) {
      const delegation = await delegateOther(hub, role, { ...other, ...life })
      invocation.terminal.result(formatDelegation(delegation).trimEnd())
      return EXIT.ok
    }
    const { statement } = await delegateOwn(hub, role, life)
    showDelegated(invocation, statement)
    return EXIT.ok
  }
}

/** Prints for which key of this node the hub key has signed. */
export function showDelegated(invocation: Invocation, statement: DelegationStatement): void {
  const { role, epoch, not_after } = statement
  const key = statement.role === 'link' ? statement.peer_id : statement.key
  invocation.show(statement, () =>
    facts(
      [
        [role === 'link' ? 'peer' : 'key', key],
        ['may sign', role],
        ['delegated', `until ${dateText(not_after)}, epoch ${epoch}`]
      ],
      invocation.terminal
    )
  )
}

async function roleGiven(invocation: Invocation): Promise<Role> {
  const { ROLES } = await import('../../node/index.ts')
  const text = invocation.neededOption(ROLE_OPTION)
  const role = ROLES.find(known => known === text)
  if (role !== undefined) return role
  throw new CommandError(EXIT.usage, `--role: must be one of ${ROLES.join(', ')}`)
}

/** Whose key, when it is not this node's. */
function otherGiven(
  invocation: Invocation,
  role: Role
): { readonly node: string; readonly key: string } | undefined {
  const [node, peer, key] = ['node', 'peer', 'key'].map(name => invocation.option(name))
  if (node === undefined && peer === undefined && key === undefined) return undefined
  const [given, unfit, option] = role === 'link' ? [peer, key, '--peer'] : [key, peer, '--key']
  if (node === undefined || given === undefined || unfit !== undefined)
    throw new CommandError(
      EXIT.usage,
      `for another node of the hub give --node and ${option}, and for this one neither`
    )
  if (!/^[a-z0-9-]{1,63}$/.test(node))
    throw new CommandError(EXIT.usage, '--node: must be 1 to 63 of a-z, 0-9 and -')
  return { node, key: given }
}
