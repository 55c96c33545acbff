import { Child } from '../harness/child.ts'
import type { Row } from '../harness/row.ts'
import { median, rounded, spread } from '../harness/statistics.ts'
import { atLeast, atMost, type Figures } from '../harness/verdict.ts'

const P50_MICROS_BAR = 50
const CHAIN_SHARE_BAR = 0.6
const MICROS = 1e6

type Rates = Readonly<Record<'verify' | 'bare chain' | 'createHmac chain', number>>

interface Latency {
  readonly p50: number
  readonly p99: number
}

export const p7: Row = {
  id: 'P7',
  summary: 'a capability of five caveats, from its bytes to the verdict, beside the bare chain of HMACs',
  async run({ rounds, smoke, say }) {
    await using child = Child.start('capability', new URL('../ours/capability-child.ts', import.meta.url), [])
    const round = () => child.ask<Rates>('round', { args: { slices: smoke ? 4 : 40 } })
    const latency = () => child.ask<Latency>('latency', { args: { count: smoke ? 500 : 20_000 } })
    const rates: Rates[] = []
    const latencies: Latency[] = []
    await round()
    for (let n = 1; n <= rounds; n++) {
      rates.push(await round())
      latencies.push(await latency())
      say(`round ${n}/${rounds}: ${rounded(rates.at(-1)!.verify)} verified a second`)
    }
    return figuresOf(rates, latencies)
  }
}

function figuresOf(rates: readonly Rates[], latencies: readonly Latency[]): Figures {
  const of = (name: keyof Rates): number[] => rates.map(rate => rate[name])
  const p50 = median(latencies.map(latency => latency.p50))
  const shares = rates.map(rate => rate.verify / rate['bare chain'])
  return {
    what: 'a capability of 5 caveats verified and judged, uncached: p50 in microseconds; limit: the bare chain',
    ours: rounded(p50),
    others: { 'createHmac chain': rounded(MICROS / median(of('createHmac chain'))) },
    limit: rounded(MICROS / median(of('bare chain'))),
    checks: [
      atMost('p50, microseconds', P50_MICROS_BAR, p50),
      atLeast('rate / bare chain', CHAIN_SHARE_BAR, median(shares))
    ],
    spread: {
      verify: rounded(spread(of('verify'))),
      'bare chain': rounded(spread(of('bare chain'))),
      'rate / bare chain': rounded(spread(shares))
    },
    notes: {
      'verified a second': rounded(median(of('verify'))),
      'p99, microseconds': rounded(median(latencies.map(latency => latency.p99)))
    }
  }
}
