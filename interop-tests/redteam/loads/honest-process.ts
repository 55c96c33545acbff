import { setTimeout as sleep } from 'node:timers/promises'
import { Honest } from '../honest.ts'
import { KNOWN_NETWORK } from '../target-messages.ts'
import { answerParent } from './helper-process.ts'

const CLIENTS = 10
/** Each client calls this often, so that the node is busy and not full. */
const EVERY_MS = 10

export interface Latency {
  readonly calls: number
  readonly failed: number
  readonly p50Ms: number
  readonly p99Ms: number
}

const [target] = process.argv.slice(2) as [string]
const clients: Honest[] = []
// One after the other: they are known once connected, and a network may not have more than 8 strangers.
for (let i = 1; i <= CLIENTS; i++) clients.push(await Honest.connect(target, `${KNOWN_NETWORK}${i}`))

answerParent({
  measure: async ({ seconds }: { seconds: number }): Promise<Latency> => {
    const until = performance.now() + seconds * 1000
    const taken: number[] = []
    let failed = 0
    await Promise.all(
      clients.map(async client => {
        while (performance.now() < until) {
          const since = performance.now()
          await client.echo().catch(() => failed++)
          taken.push(performance.now() - since)
          await sleep(EVERY_MS)
        }
      })
    )
    taken.sort((a, b) => a - b)
    const at = (part: number): number => taken[Math.floor(taken.length * part)]!
    return { calls: taken.length, failed, p50Ms: at(0.5), p99Ms: at(0.99) }
  }
})
