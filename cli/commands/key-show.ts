import type { DelegationRow, HubKeyPlace } from '../../node/index.ts'
import { DATA_OPTION } from '../command.ts'
import type { CommandBody } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { dateText } from '../moment.ts'
import { asCalled, shellWord } from '../self.ts'
import { columns, facts } from '../terminal.ts'

const PLACES: Readonly<Record<HubKeyPlace, string>> = {
  here: 'here, without a password; keep a copy away from this machine',
  locked: 'here, under a password; keep a copy away from this machine',
  elsewhere: 'kept elsewhere'
}

export const keyShow: CommandBody = {
  details:
    'Prints nothing secret. It also checks that the keys are whole, private, and belong together. A delegation that a later ' +
    'epoch has superseded still speaks for what its key signs while its time lasts.',
  options: [DATA_OPTION],
  examples: [
    {
      line: 'omnigate key show --data ./hub',
      says: 'hub id, peer id, whether the hub key is here, and each delegation'
    }
  ],
  exits: ['badInput', 'noInput', 'newerFormat', 'permission'],
  async run(invocation) {
    const { keyOverview } = await import('../../node/index.ts')
    const data = invocation.neededOption(DATA_OPTION)
    const { keys, delegations, unsigned } = await keyOverview(data, Date.now())
    const { hubId, hubKeyId, hubPublicKey, minisignKey, peerId, hubKey, delegation } = keys
    const shown = {
      hub_id: hubId,
      minisign_key_id: hubKeyId,
      minisign_public_key: minisignKey,
      hub_public_key: Buffer.from(hubPublicKey).toString('hex'),
      hub_key: hubKey,
      peer_id: peerId,
      node: delegation.statement.node,
      delegations: delegations.map(({ delegation: { statement }, state }) => ({ ...statement, state })),
      unsigned
    }
    const sign = unsigned.map(role =>
      asCalled(`omnigate key delegate --role ${role} --data ${shellWord(data)}`)
    )
    invocation.show(shown, () =>
      [
        facts(
          [
            ['hub', hubId],
            ['minisign key id', hubKeyId],
            ['minisign key', minisignKey],
            ['hub public key', shown.hub_public_key],
            ['hub key', PLACES[hubKey]],
            ['peer', peerId],
            ['node', shown.node],
            ['not signed yet', sign.join(', ')]
          ],
          invocation.terminal
        ),
        columns([['role', 'node', 'epoch', 'from', 'until', 'state'], ...delegations.map(row)])
      ].join('\n\n')
    )
    return EXIT.ok
  }
}

function row({ delegation: { statement }, state }: DelegationRow): readonly string[] {
  const { role, node, epoch, not_before, not_after } = statement
  return [role, node, String(epoch), dateText(not_before), dateText(not_after), state]
}
