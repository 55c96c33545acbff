import { DATA_OPTION } from '../command.ts'
import type { Command } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { facts } from '../terminal.ts'

const date = (seconds: number): string => new Date(seconds * 1000).toISOString().replace('.000Z', 'Z')

export const keyShow: Command = {
  name: 'key show',
  summary: 'print the public halves of the keys in a data folder',
  details: 'Prints nothing secret. It also checks that the keys are whole, private, and belong together.',
  options: [DATA_OPTION],
  examples: [
    {
      line: 'omnigate key show --data ./hub',
      says: 'hub id, peer id, and until when one stands for the other'
    }
  ],
  exits: ['badInput', 'noInput', 'newerFormat', 'permission'],
  async run(invocation) {
    const { checkDataFolder, dataFolderPaths, loadKeys } = await import('../../node/index.ts')
    const data = invocation.neededOption(DATA_OPTION)
    await checkDataFolder(data)
    const { keys: folder } = dataFolderPaths(data)
    const { hubId, hubKeyId, hubPublicKey, peerId, hasHubKey, delegation } = await loadKeys(folder, {
      nowMs: Date.now()
    })
    const { node, not_before, not_after, epoch } = delegation.statement
    const shown = {
      hub_id: hubId,
      minisign_key_id: hubKeyId,
      hub_public_key: Buffer.from(hubPublicKey).toString('hex'),
      peer_id: peerId,
      node,
      delegated_from: date(not_before),
      delegated_until: date(not_after),
      delegation_epoch: epoch,
      hub_key_is_here: hasHubKey
    }
    invocation.show(shown, () =>
      facts(
        [
          ['hub', hubId],
          ['minisign key id', hubKeyId],
          ['hub public key', shown.hub_public_key],
          ['peer', peerId],
          ['node', node],
          ['delegated', `${shown.delegated_from} to ${shown.delegated_until}, epoch ${epoch}`],
          ['hub key', hasHubKey ? 'here; keep a copy away from this machine' : 'not here']
        ],
        invocation.terminal
      )
    )
    return EXIT.ok
  }
}
