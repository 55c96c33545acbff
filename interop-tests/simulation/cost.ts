import type { Plan } from './plan.ts'
import { simulate } from './simulation.ts'

/** All hubs have started, linked and asked each other once by then; what follows is counted for as long as one round takes. */
const FROM_MS = 60_000
const COUNTED_MS = 60_000
const MESSAGES = 20
const START_MS = 20_000
const SENDING_MS = 35_000

export interface Cost {
  readonly hubs: number
  /** Whether members give each other what others sent. */
  readonly isRelayed: boolean
  readonly messages: number
  /** For each message and each hub that gets it. */
  readonly announcements: number
  readonly announcementBytes: number
  readonly pulls: number
  readonly pullBytes: number
  /** For each hub and minute, whether anything was sent or not. */
  readonly rounds: number
  readonly roundBytes: number
}

/** What messages and rounds cost among so many hubs that all share one topic, all linked, nothing lost. */
export async function costOf(hubs: number, isRelayed: boolean): Promise<Cost> {
  const { calls, gossip } = await simulate(planOf(hubs, isRelayed), { countedFromMs: FROM_MS })
  const each = MESSAGES * (hubs - 1)
  const minutes = (hubs * COUNTED_MS) / 60_000
  return {
    hubs,
    isRelayed,
    messages: MESSAGES,
    announcements: rounded(gossip.lines / each),
    announcementBytes: rounded(gossip.bytes / each),
    pulls: rounded(calls.share_pull.calls / each),
    pullBytes: rounded(calls.share_pull.bytes / each),
    rounds: rounded(calls.share_state.calls / minutes),
    roundBytes: rounded(calls.share_state.bytes / minutes)
  }
}

function planOf(count: number, isRelayed: boolean): Plan {
  const hubs = Array.from({ length: count }, (_, n) => n)
  return {
    seed: 1,
    hubs,
    liars: new Map(),
    shares: [{ n: 0, members: hubs, isRelayed }],
    friends: [],
    // Each sender has a series before anything is counted.
    events: [START_MS, FROM_MS].flatMap((fromMs, half) =>
      Array.from({ length: MESSAGES }, (_, n) => ({
        n: half * MESSAGES + n,
        is: 'send' as const,
        hub: Math.floor((n * count) / MESSAGES),
        share: 0,
        atMs: fromMs + Math.floor((n * SENDING_MS) / MESSAGES)
      }))
    ),
    spanMs: FROM_MS + COUNTED_MS,
    lostOf100: 0
  }
}

const rounded = (value: number): number => Math.round(value * 100) / 100

export const COST_HEAD: readonly string[] = [
  '| hubs | relay | announcements | bytes | pulls | bytes | exchanges of rounds | bytes |',
  '| ---: | :--- | ---: | ---: | ---: | ---: | ---: | ---: |'
]

export function costRow(cost: Cost): string {
  const { hubs, isRelayed, announcements, announcementBytes, pulls, pullBytes, rounds, roundBytes } = cost
  const figures = [announcements, announcementBytes, pulls, pullBytes, rounds, roundBytes]
  return `| ${hubs} | ${isRelayed ? 'yes' : 'no'} | ${figures.join(' | ')} |`
}
