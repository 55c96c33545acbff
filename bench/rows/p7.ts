import { Child } from '../harness/child.ts'
import { interleaved } from '../harness/rounds.ts'
import type { Row } from '../harness/row.ts'
import { median, rounded, spread } from '../harness/statistics.ts'
import { atLeast, atMost, type Figures } from '../harness/verdict.ts'

const P50_MICROS_BAR = 50
const CHAIN_SHARE_BAR = 0.6
const MICROS = 1e6

interface Latency {
  readonly p50: number
  readonly p99: number
}

export const p7: Row = {
  id: 'P7',
  summary: 'a capability of five caveats, from its bytes to the verdict, beside the bare chain of HMACs',
  async run({ rounds, smoke, say }) {
    await using child = Child.start('capability', new URL('../ours/capability-child.ts', import.meta.url), [])
    const forMs = smoke ? 20 : 400
    const count = smoke ? 500 : 20_000
    const names = await child.ask<string[]>('names')
    const run = (name: string) => child.ask<number>('run', { args: { name, forMs } })
    for (const name of names) await run(name)
    const latencies: Latency[] = []
    const rates = await interleaved(names, rounds, async (name, round) => {
      const rate = await run(name)
      if (name === 'verify') latencies.push(await child.ask<Latency>('latency', { args: { count } }))
      say(`round ${round + 1}/${rounds} ${name}: ${rounded(rate)} a second`)
      return rate
    })
    return figuresOf(rates, latencies)
  }
}

function figuresOf(rates: ReadonlyMap<string, readonly number[]>, latencies: readonly Latency[]): Figures {
  const rate = (name: string) => median(rates.get(name)!)
  const p50 = median(latencies.map(latency => latency.p50))
  return {
    what: 'a capability of 5 caveats verified and judged, uncached: p50 in microseconds; limit: the bare chain',
    ours: rounded(p50),
    others: { 'createHmac chain': rounded(MICROS / rate('createHmac chain')) },
    limit: rounded(MICROS / rate('bare chain')),
    checks: [
      atMost('p50, microseconds', P50_MICROS_BAR, p50),
      atLeast('rate / bare chain', CHAIN_SHARE_BAR, rate('verify') / rate('bare chain'))
    ],
    spread: Object.fromEntries([...rates].map(([name, list]) => [name, rounded(spread(list))])),
    notes: {
      'verified a second': rounded(rate('verify')),
      'p99, microseconds': rounded(median(latencies.map(latency => latency.p99)))
    }
  }
}
