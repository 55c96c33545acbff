import { Child } from '../harness/child.ts'
import { interleaved } from '../harness/rounds.ts'
import type { Row } from '../harness/row.ts'
import { median, rounded, spread } from '../harness/statistics.ts'
import { atLeast, atMost, type Figures } from '../harness/verdict.ts'

const SMALL_FRAMES_BAR = 8_000_000
const GB = 1e9
const MICROS = 1e6

type Rates = ReadonlyMap<string, readonly number[]>

export const p8: Row = {
  id: 'P8',
  summary: 'frame codec in one process, beside one copy of the same bytes',
  async run({ rounds, smoke, say }) {
    await using child = Child.start('codec', new URL('../ours/codec-child.ts', import.meta.url), [])
    const forMs = smoke ? 20 : 400
    const names = await child.ask<string[]>('names')
    const run = (name: string) => child.ask<number>('run', { args: { name, forMs } })
    for (const name of names) await run(name)
    const rates = await interleaved(names, rounds, async (name, round) => {
      const rate = await run(name)
      say(`round ${round + 1}/${rounds} ${name}: ${rounded(rate)} a second`)
      return rate
    })
    return figuresOf(rates)
  }
}

function figuresOf(rates: Rates): Figures {
  const rate = (name: string) => median(rates.get(name)!)
  const micros = (name: string) => MICROS / rate(name)
  const spreads = [...rates].map(([name, list]) => [name, rounded(spread(list))] as const)
  return {
    what: 'a 1 MiB frame that arrives in 1 KiB pieces: microseconds; limit: one copy of 1 MiB',
    ours: rounded(micros('1 KiB pieces')),
    others: { '64 KiB pieces': rounded(micros('64 KiB pieces')) },
    limit: rounded(micros('memcpy')),
    checks: [
      atMost('1 KiB pieces / memcpy', 2, micros('1 KiB pieces') / micros('memcpy')),
      atMost('1 KiB pieces / 64 KiB pieces', 1.3, micros('1 KiB pieces') / micros('64 KiB pieces')),
      atLeast('small frames decoded a second', SMALL_FRAMES_BAR, rate('decode small')),
      atLeast('small frames encoded a second', SMALL_FRAMES_BAR, rate('encode small')),
      atLeast('64 KiB frames in noise pieces, GB/s', 3, rate('decode 64 KiB') / GB)
    ],
    spread: Object.fromEntries(spreads),
    notes: {}
  }
}
