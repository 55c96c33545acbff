import { HelperProcess } from '../redteam/loads/helper-process.ts'
import { scraped } from './counted.ts'
import type { Counted } from './counted.ts'
import type { Serving } from './node-process.ts'
import { readTold } from './told.ts'
import type { SentTold, Told } from './told.ts'

const NODE = new URL('./node-process.ts', import.meta.url)
const CALLER = new URL('./caller-process.ts', import.meta.url)

/** The p99 of the honest caller in milliseconds, without and with the storm beside it. */
export interface Round {
  readonly quietMs: number
  readonly stormedMs: number
}

export interface QuietAndStorm {
  readonly rounds: readonly Round[]
  /** What each caller sent and was answered in all rounds, and what the node counted of both. */
  readonly honest: Told
  readonly loud: Told
  readonly counted: Counted
}

interface Sizes {
  readonly rounds: number
  readonly calls: number
  readonly refusals: number
  readonly givesWay: boolean
}

/**
 * A node, an honest caller and a loud one in processes of their own, each caller with a tenant. The honest one makes
 * `calls` calls one after the other, in each round once alone and once while the loud one calls as fast as it is
 * answered, far beyond the quota of its tenant, and until it was refused `refusals` times. Where the honest one's time is
 * judged, the loud one gives way: it runs at the lowest priority.
 */
export async function quietAndStorm({
  rounds: count,
  calls,
  refusals,
  givesWay
}: Sizes): Promise<QuietAndStorm> {
  await using node = new HelperProcess(NODE, [])
  const { address, http } = await node.ask<Serving>('start')
  const callerOf = async (tenant: string) =>
    new HelperProcess(CALLER, [address, await node.ask<string>('mint', { tenant })])
  await using honest = await callerOf('quiet')
  await using loud = await callerOf('default')
  if (givesWay) await loud.ask('giveWay')
  const p99 = () => honest.ask<number>('measure', { calls })
  await p99()
  const rounds: Round[] = []
  for (let i = 0; i < count; i++) {
    const quietMs = await p99()
    await loud.ask('storm', { refusals })
    const stormedMs = await p99()
    await loud.ask('stop')
    rounds.push({ quietMs, stormedMs })
  }
  const toldOf = async (caller: HelperProcess) => readTold(await caller.ask<SentTold>('told'))
  return { rounds, honest: await toldOf(honest), loud: await toldOf(loud), counted: await scraped(http) }
}
