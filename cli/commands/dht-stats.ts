import { withDht } from '../dht.ts'
import { DATA_OPTION } from '../command.ts'
import type { CommandBody } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { PAIRING_EXITS } from '../pairing.ts'
import { facts } from '../terminal.ts'

export const dhtStats: CommandBody = {
  details:
    'Public blobs of this node are announced in it one by one, each every twelve hours. It is open while the allowlist ' +
    'has a hub, unless dht.enabled is false.',
  options: [DATA_OPTION],
  examples: [{ line: 'omnigate dht stats --data ./hub', says: 'peers, and how announcing goes' }],
  exits: PAIRING_EXITS,
  async run(invocation) {
    const stats = await withDht(invocation, ({ dht }) => dht.dht_stats({}))
    const { open, peers, roots, under_way: underWay, announced, failed, gap_ms: gapMs } = stats
    invocation.show(stats, () =>
      open
        ? facts(
            [
              ['peers', peers],
              ['public blobs', roots],
              ['announced', `${announced} since the start, ${failed} failed, ${underWay} under way`],
              ['pace', `one in ${gapMs} ms at most`]
            ],
            invocation.terminal
          )
        : 'the DHT is not open: no hub is allowed, or dht.enabled is false'
    )
    return EXIT.ok
  }
}
