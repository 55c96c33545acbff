import { withDht } from '../dht.ts'
import { DATA_OPTION } from '../command.ts'
import type { CommandBody } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { PAIRING_EXITS } from '../pairing.ts'

export const dhtPeers: CommandBody = {
  details: 'The peer ids of linked hubs that take part; at most 512.',
  options: [DATA_OPTION],
  examples: [{ line: 'omnigate dht peers --data ./hub', says: 'one peer id a line' }],
  exits: PAIRING_EXITS,
  async run(invocation) {
    const { peers } = await withDht(invocation, ({ dht }) => dht.dht_peers({}))
    invocation.show({ peers }, () => (peers.length === 0 ? 'no peers' : peers.join('\n')))
    return EXIT.ok
  }
}
