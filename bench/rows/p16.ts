import { dirname } from 'node:path'
import { builtProgram } from '../harness/built-package.ts'
import { ConnectingPair, type Connected } from '../harness/connecting-pair.ts'
import type { Row, RunOptions } from '../harness/row.ts'
import { median, quantile, rounded, spread } from '../harness/statistics.ts'
import { atMost, type Figures } from '../harness/verdict.ts'

const MOST = 1.5
const MS = 1000
const SCRIPTS = { plain: '../baselines/identifying-child.ts', ours: '../ours/linking-child.ts' } as const

type Name = keyof typeof SCRIPTS
/** Of one round: the median time and the mean CPU of a connection, in microseconds. */
interface Sample extends Connected {
  readonly p99Micros: number
}
type Round = Readonly<Record<Name, Sample>>

export const p16: Row = {
  id: 'P16',
  summary:
    'two hubs of the built package link: dial and handshake until both are up, beside a plain dial with identify',
  async run(options) {
    const built = dirname(dirname(await builtProgram(options)))
    await using started = new AsyncDisposableStack()
    const start = async (name: Name) => {
      const script = new URL(SCRIPTS[name], import.meta.url)
      return started.use(await ConnectingPair.start({ name, script, args: [built] }))
    }
    const pairs = [await start('plain'), await start('ours')] as const
    const connections = options.smoke ? 2 : 40
    await inTurns(pairs, connections)
    const rounds: Round[] = []
    for (let n = 0; n < options.rounds; n++) {
      const round = await inTurns(pairs, connections)
      rounds.push(round)
      say(options, n, round)
    }
    return figuresOf(rounds)
  }
}

/** One connection of each at a time, so that both meet the same machine. */
async function inTurns(
  [plain, ours]: readonly [ConnectingPair, ConnectingPair],
  connections: number
): Promise<Round> {
  const came = { plain: [] as Connected[], ours: [] as Connected[] }
  for (let n = 0; n < connections; n++) {
    came.plain.push(await plain.connect())
    came.ours.push(await ours.connect())
  }
  return { plain: sampleOf(came.plain), ours: sampleOf(came.ours) }
}

function sampleOf(came: readonly Connected[]): Sample {
  const times = came.map(({ micros }) => micros)
  return {
    micros: median(times),
    p99Micros: quantile(times, 0.99),
    cpuMicros: came.reduce((sum, { cpuMicros }) => sum + cpuMicros, 0) / came.length
  }
}

function say({ rounds, say: tell }: RunOptions, n: number, { plain, ours }: Round): void {
  const words = ({ micros, cpuMicros }: Sample) =>
    `p50 ${rounded(micros / MS)} ms, ${rounded(cpuMicros / MS)} ms of CPU`
  tell(`round ${n + 1}/${rounds}: plain: ${words(plain)}; ours: ${words(ours)}`)
}

function figuresOf(rounds: readonly Round[]): Figures {
  const of = (name: Name, what: keyof Sample) => rounds.map(round => round[name][what])
  const ms = (name: Name, what: keyof Sample) => rounded(median(of(name, what)) / MS)
  const shares = (what: keyof Sample) => rounds.map(({ plain, ours }) => ours[what] / plain[what])
  return {
    what: 'a link of two hubs, from the socket until both are up: p50 in ms; limit: a dial with identify, same stack',
    ours: ms('ours', 'micros'),
    others: {},
    limit: ms('plain', 'micros'),
    checks: [
      atMost('p50 / plain dial with identify', MOST, median(shares('micros'))),
      atMost('CPU of both / plain dial with identify', MOST, median(shares('cpuMicros')))
    ],
    spread: {
      plain: rounded(spread(of('plain', 'micros'))),
      ours: rounded(spread(of('ours', 'micros'))),
      'CPU, plain': rounded(spread(of('plain', 'cpuMicros'))),
      'CPU, ours': rounded(spread(of('ours', 'cpuMicros')))
    },
    notes: {
      'plain CPU ms': ms('plain', 'cpuMicros'),
      'ours CPU ms': ms('ours', 'cpuMicros'),
      'plain p99 ms': ms('plain', 'p99Micros'),
      'ours p99 ms': ms('ours', 'p99Micros')
    }
  }
}
