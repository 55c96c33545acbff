import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { answerParent } from '../harness/answering.ts'
import { CallCounts } from '../harness/call-counts.ts'
import { quantile } from '../harness/statistics.ts'
import { TenantClient } from './tenant-client.ts'

// Tenants who stay within their quotas, in one process: one of them at work, or all.

/** p99 in milliseconds of one tenant. */
export interface QuietP99 {
  readonly echo: number
  /** From the sending of a message until its acknowledgement is confirmed. */
  readonly message: number
}

interface Work {
  readonly cycles: number
  /** From the beginning of one cycle to that of the next, unless it takes longer. */
  readonly everyMs: number
}

const [address, tokens] = process.argv.slice(2) as [string, string]
const counts = new CallCounts()
const tenants: TenantClient[] = []
for (const token of JSON.parse(tokens) as string[])
  tenants.push(await TenantClient.connect(address, token, counts))

async function p99Of(tenant: TenantClient, { cycles, everyMs }: Work): Promise<QuietP99> {
  const times = { echo: [] as number[], message: [] as number[] }
  for (let i = 0; i < cycles; i++) {
    const started = performance.now()
    await tenant.echo()
    const between = performance.now()
    await tenant.message()
    const ended = performance.now()
    times.echo.push(between - started)
    times.message.push(ended - between)
    await sleep(Math.max(0, everyMs - (ended - started)))
  }
  return { echo: quantile(times.echo, 0.99), message: quantile(times.message, 0.99) }
}

/** All at once, who begin one after the other within the first cycle. */
const allAtOnce = (work: Work): Promise<QuietP99[]> =>
  Promise.all(
    tenants.map(async (tenant, i) => {
      await sleep((i * work.everyMs) / tenants.length)
      return p99Of(tenant, work)
    })
  )

answerParent(
  {
    ready: () => true,
    alone: ({ tenant, ...work }: Work & { tenant: number }) => p99Of(tenants[tenant]!, work),
    together: allAtOnce,
    seen: () => counts.seen()
  },
  () => Promise.all(tenants.map(tenant => tenant.close()))
)
