import { cidArgument } from '../blob/cid-argument.ts'
import { providersText } from '../blob/providers-text.ts'
import { CID_ARGUMENT } from '../blob/place.ts'
import { withDht } from '../dht.ts'
import { DATA_OPTION } from '../command.ts'
import type { CommandBody } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { PAIRING_EXITS } from '../pairing.ts'

export const dhtFind: CommandBody = {
  details:
    'Asks linked hubs, then the DHT, for at most five seconds. Nobody has proved it before the blob comes from there. ' +
    'The exit is 1 when nobody says so.',
  arguments: [CID_ARGUMENT],
  options: [DATA_OPTION],
  examples: [{ line: 'omnigate dht find bafkrei... --data ./hub', says: 'peers, and how they are known' }],
  exits: PAIRING_EXITS,
  async run(invocation) {
    const { text: cid } = await cidArgument(invocation)
    const { providers } = await withDht(invocation, ({ storage }) => storage.providers({ cid }))
    invocation.show({ cid, providers }, () => providersText(providers))
    return providers.length === 0 ? EXIT.failed : EXIT.ok
  }
}
