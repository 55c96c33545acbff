import { performance } from 'node:perf_hooks'
import { answerParent } from './answering.ts'
import type { BlobEnds, BlobOptions } from './blob-contender.ts'
import { cpuMicrosOf } from './process-files.ts'
import { quantile } from './statistics.ts'

/** One reading of the whole blob; CPU is this side's. */
export interface BlobRead {
  readonly seconds: number
  readonly cpuMicros: number
}

const [module, address, text] = process.argv.slice(2) as [string, string, string]
const options = JSON.parse(text) as BlobOptions
const { dial } = (await import(module)) as BlobEnds
const client = await dial(address, options)

function cpuMicros(): number {
  const { user, system } = process.cpuUsage()
  return (client.helpers ?? []).reduce((sum, pid) => sum + cpuMicrosOf(pid), user + system)
}

async function read(): Promise<BlobRead> {
  const cpuBefore = cpuMicros()
  const since = performance.now()
  const bytes = await client.read()
  const seconds = (performance.now() - since) / 1000
  if (bytes !== options.bytes) throw new Error(`${bytes} bytes came instead of ${options.bytes}`)
  return { seconds, cpuMicros: cpuMicros() - cpuBefore }
}

/** The median of so many first bytes, in milliseconds; undefined where they cannot be told apart from the rest. */
async function first({ times }: { times: number }): Promise<number | undefined> {
  if (client.first === undefined) return undefined
  const taken: number[] = []
  for (let n = 0; n < times; n++) taken.push(await client.first())
  return quantile(taken, 0.5)
}

answerParent({ ready: () => true, prepare: () => client.prepare?.(), read, first }, () => client.close())
