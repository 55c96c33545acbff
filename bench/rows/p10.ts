import { dirname } from 'node:path'
import { builtProgram } from '../harness/built-package.ts'
import type { Row } from '../harness/row.ts'
import { median, rounded, spread } from '../harness/statistics.ts'
import { atMost, type Figures } from '../harness/verdict.ts'
import { ReconcilingHubs, type Reconciled } from '../ours/reconciling-hubs.ts'

const SIZE = { origins: 20, common: 1_000_000, different: 100 }
const SMOKE_SIZE = { origins: 3, common: 300, different: 6 }
const KIB = 1024
const MS = 1000

export const p10: Row = {
  id: 'P10',
  summary:
    'two hubs with a million messages of 20 origins in common link, and one gets 100 that the other has more',
  async run(options) {
    const built = dirname(dirname(await builtProgram(options)))
    const { origins, common, different } = options.smoke ? SMOKE_SIZE : SIZE
    await using hubs = await ReconcilingHubs.start(built, origins)
    await hubs.share(common, options.say)
    await hubs.reconcile(different)
    const rounds: Reconciled[] = []
    for (let n = 0; n < options.rounds; n++) {
      const round = await hubs.reconcile(different)
      rounds.push(round)
      options.say(`round ${n + 1}/${options.rounds}: ${described(round)}`)
    }
    return figuresOf(rounds)
  }
}

const described = ({ frameBytes, ms, hereCpuMicros, thereCpuMicros }: Reconciled): string =>
  `${frameBytes} bytes beside the bodies, ${rounded(hereCpuMicros / MS)} and ${rounded(thereCpuMicros / MS)} ms of CPU, ${Math.round(ms)} ms`

function figuresOf(rounds: readonly Reconciled[]): Figures {
  const bytes = rounds.map(({ frameBytes }) => frameBytes)
  const here = rounds.map(({ hereCpuMicros }) => hereCpuMicros / MS)
  const there = rounds.map(({ thereCpuMicros }) => thereCpuMicros / MS)
  const both = here.map((ms, n) => ms + there[n]!)
  return {
    what: 'a round of 100 messages more beside 1,000,000 in common, of 20 origins: KiB of frames beside the bodies',
    ours: rounded(median(bytes) / KIB),
    others: {},
    limit: null,
    checks: [
      atMost('frames beside the bodies, KiB', 64, median(bytes) / KIB),
      atMost('CPU of both hubs, ms', 200, median(both))
    ],
    spread: { bytes: rounded(spread(bytes)), CPU: rounded(spread(both)) },
    notes: {
      'CPU ms of who gets them': rounded(median(here)),
      'CPU ms of who gives them': rounded(median(there)),
      'ms until all are there': rounded(median(rounds.map(({ ms }) => ms)))
    }
  }
}
