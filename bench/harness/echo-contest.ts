import { NotAvailable, type EchoContender } from './echo-contender.ts'
import { EchoPair, type EchoSample } from './echo-pair.ts'
import type { LoadShape } from './load.ts'
import { interleaved } from './rounds.ts'
import type { RunOptions } from './row.ts'
import { median, rounded, spread } from './statistics.ts'
import type { Missing } from './verdict.ts'

export type EchoMedians = EchoSample & { readonly spread: number; readonly p50Spread: number }

/** Medians by contender name; a contender that could not be had says why. */
export type Standing = ReadonlyMap<string, EchoMedians | Missing>

/** Starts all contenders, warms each up with one uncounted round, and lets them work in interleaved rounds. */
export async function echoContest(
  contenders: readonly EchoContender[],
  shape: LoadShape,
  { rounds, say }: RunOptions
): Promise<Standing> {
  const standing = new Map<string, EchoMedians | Missing>()
  const pairs: EchoPair[] = []
  try {
    for (const contender of contenders) {
      try {
        pairs.push(await EchoPair.start(contender))
      } catch (error) {
        if (!(error instanceof NotAvailable)) throw error
        standing.set(contender.name, { missing: error.message })
        say(`${contender.name}: missing: ${error.message}`)
      }
    }
    for (const pair of pairs) await pair.sample(shape)
    const samples = await interleaved(pairs, rounds, async (pair, round) => {
      const sample = await pair.sample(shape)
      say(`round ${round + 1}/${rounds} ${pair.name}: ${described(sample)}`)
      return sample
    })
    for (const [{ name }, list] of samples) standing.set(name, mediansOf(list))
    return standing
  } finally {
    for (const pair of pairs) await pair.stop()
  }
}

export function figure(standing: Standing, name: string, of: keyof EchoMedians): number | Missing {
  const medians = standing.get(name)
  if (medians === undefined) throw new Error(`${name}: took no part`)
  return 'missing' in medians ? medians : medians[of]
}

/** The rounded figure of a contender that must have taken part. */
export function wholeFigure(standing: Standing, name: string, of: keyof EchoMedians): number {
  const value = figure(standing, name, of)
  if (typeof value !== 'number') throw new Error(`${name}: ${value.missing}`)
  return rounded(value)
}

/** Figures by name, for the JSON line; contenders that could not be had keep their reason. */
export function figures(
  standing: Standing,
  names: readonly string[],
  of: keyof EchoMedians
): Record<string, number | Missing> {
  return Object.fromEntries(
    names.map(name => {
      const value = figure(standing, name, of)
      return [name, typeof value === 'number' ? rounded(value) : value]
    })
  )
}

/** The same without those that could not be had. */
export function present(standing: Standing, of: keyof EchoMedians, suffix = ''): Record<string, number> {
  const members: [string, number][] = []
  for (const [name, medians] of standing) {
    if (!('missing' in medians)) members.push([name + suffix, rounded(medians[of])])
  }
  return Object.fromEntries(members)
}

function mediansOf(samples: readonly EchoSample[]): EchoMedians {
  const of = (pick: (sample: EchoSample) => number) => median(samples.map(pick))
  return {
    rate: of(({ rate }) => rate),
    cpuMicros: of(({ cpuMicros }) => cpuMicros),
    clientCpuMicros: of(({ clientCpuMicros }) => clientCpuMicros),
    p50Micros: of(({ p50Micros }) => p50Micros),
    p99Micros: of(({ p99Micros }) => p99Micros),
    spread: spread(samples.map(({ rate }) => rate)),
    p50Spread: spread(samples.map(({ p50Micros }) => p50Micros))
  }
}

function described({ rate, cpuMicros, p50Micros, p99Micros }: EchoSample): string {
  const cpu = `${rounded(cpuMicros)} us CPU a request`
  return `${Math.round(rate)} req/s, ${cpu}, p50 ${rounded(p50Micros)} us, p99 ${rounded(p99Micros)} us`
}
