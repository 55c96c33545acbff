import { setPriority } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { answerParent } from '../redteam/loads/helper-process.ts'
import { CountingCaller } from './counting-caller.ts'
import { sentTold } from './told.ts'
import type { SentTold } from './told.ts'

// A caller in a process of its own, with one token: it measures its calls, or storms.

const [address, token] = process.argv.slice(2) as [string, string]
const cap = Buffer.from(token, 'hex')
const caller = await CountingCaller.connect(address)
// The node waits 5 s for the first frame of a stream, and what is measured before a storm may take longer.
await caller.storm(1, { cap })

const LOWEST_PRIORITY = 19
const AT_ONCE = 20
const EVERY_MS = 2
const P99 = 0.99

const refused = (): number => caller.told.codes.get('quota_tenant') ?? 0

let isOver = false
let storming: Promise<void> = Promise.resolve()

answerParent({
  /** The p99 in milliseconds of calls made one after the other. */
  measure: async ({ calls }: { calls: number }): Promise<number> => {
    const taken: number[] = []
    for (let i = 0; i < calls; i++) {
      const since = performance.now()
      await caller.storm(1, { cap })
      taken.push(performance.now() - since)
      await sleep(EVERY_MS)
    }
    return taken.sort((a, b) => a - b)[Math.floor(calls * P99)]!
  },
  /** From now on it gets the processor time that the others leave. */
  giveWay: () => setPriority(LOWEST_PRIORITY),
  /** Calls as fast as it can until told to stop, and until it was refused `refusals` times more. */
  storm: ({ refusals }: { refusals: number }) => {
    isOver = false
    const enough = refused() + refusals
    storming = (async () => {
      while (!isOver || refused() < enough) await caller.storm(AT_ONCE, { cap })
    })()
  },
  stop: async () => {
    isOver = true
    await storming
  },
  told: (): SentTold => sentTold(caller.told)
})
