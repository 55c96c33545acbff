import type { BlobContender } from './blob-contender.ts'
import { BlobPair } from './blob-pair.ts'
import type { BlobSample } from './blob-pair.ts'
import { NotAvailable } from './echo-contender.ts'
import { interleaved } from './rounds.ts'
import type { RunOptions } from './row.ts'
import { median, rounded, spread } from './statistics.ts'
import type { Missing } from './verdict.ts'

export interface BlobStanding {
  /** By contender's name; one that could not be had says why. */
  readonly medians: ReadonlyMap<string, BlobSample | Missing>
  /** Of the rates. */
  readonly spreads: Readonly<Record<string, number>>
}

/** Has all contenders read the same bytes in turns, each once uncounted before. */
export async function blobContest(
  contenders: readonly BlobContender[],
  bytes: number,
  { rounds, say }: RunOptions
): Promise<BlobStanding> {
  const medians = new Map<string, BlobSample | Missing>()
  const pairs: BlobPair[] = []
  try {
    for (const contender of contenders) {
      try {
        pairs.push(await BlobPair.start(contender, bytes))
      } catch (error) {
        if (!(error instanceof NotAvailable)) throw error
        medians.set(contender.name, { missing: error.message })
        say(`${contender.name}: missing: ${error.message}`)
      }
    }
    for (const pair of pairs) await pair.sample()
    const samples = await interleaved(pairs, rounds, async (pair, round) => {
      const sample = await pair.sample()
      say(`round ${round + 1}/${rounds} ${pair.name}: ${described(sample)}`)
      return sample
    })
    const spreads: Record<string, number> = {}
    for (const [{ name }, list] of samples) {
      medians.set(name, mediansOf(list))
      spreads[name] = rounded(spread(list.map(({ megabytesPerSecond }) => megabytesPerSecond)))
    }
    return { medians, spreads }
  } finally {
    for (const pair of pairs) await pair.stop()
  }
}

export function blobFigure({ medians }: BlobStanding, name: string, of: keyof BlobSample): number | Missing {
  const sample = medians.get(name)
  if (sample === undefined) throw new Error(`${name}: took no part`)
  return 'missing' in sample ? sample : sample[of]
}

/** Rounded figures by name; contenders that could not be had keep their reason. */
export function blobFigures(
  standing: BlobStanding,
  names: readonly string[],
  of: keyof BlobSample
): Record<string, number | Missing> {
  return Object.fromEntries(
    names.map(name => {
      const value = blobFigure(standing, name, of)
      return [name, typeof value === 'number' ? rounded(value) : value]
    })
  )
}

function mediansOf(samples: readonly BlobSample[]): BlobSample {
  const of = (pick: (sample: BlobSample) => number) => median(samples.map(pick))
  return {
    megabytesPerSecond: of(({ megabytesPerSecond }) => megabytesPerSecond),
    cpuSecondsPerGb: of(({ cpuSecondsPerGb }) => cpuSecondsPerGb),
    firstMs: of(({ firstMs }) => firstMs)
  }
}

function described({ megabytesPerSecond, cpuSecondsPerGb, firstMs }: BlobSample): string {
  const first = Number.isNaN(firstMs) ? '' : `, first bytes ${rounded(firstMs)} ms`
  return `${rounded(megabytesPerSecond)} MB/s, ${rounded(cpuSecondsPerGb)} s of CPU a GB${first}`
}
