import { given, refuseArguments, wholeGiven } from '../../given.ts'
import { Hub } from '../hub.ts'
import { asking } from './asking.ts'
import { wrongWith } from './judge.ts'
import { operationsOf } from './operations.ts'
import type { Operation } from './operations.ts'
import { Sender } from './send.ts'

// npm run fuzz:http -- --requests N [--seed N] [--operation TEXT] [--from N] [--at N]
// Sends N requests of each operation of /openapi.json to a hub in a process of its own, drawn from a seed, good ones and wrong
// ones. No answer may be a 5xx other than 503, each refusal must be a problem in its one form, and the hub may neither log a
// fault, nor a token, nor grow beyond a bound. --from begins with the Nth request of each, where an earlier run ended. --at
// sends one request of the operations that are chosen, and shows it. Exits with 1 where something is wrong, with 64 for wrong
// arguments.

/** Without limits of rate, so that every request is looked at. */
const AMPLE = '1000000000'
const ENV = {
  OMNIGATE_GATEWAY__RATE_LIMITS: 'false',
  OMNIGATE_QUOTAS__TENANT_CALLS_PER_SECOND: AMPLE,
  OMNIGATE_QUOTAS__TENANT_BURST: AMPLE,
  OMNIGATE_QUOTAS__TENANT_BYTES_PER_SECOND: AMPLE
}
const AT_ONCE = 64
const MEMORY_MOST_MIB = 600
const SHOWN = 20
const TELL_EVERY_MS = 10_000

const values = given({
  requests: { type: 'string', default: '10000' },
  seed: { type: 'string', default: String(Math.floor(Math.random() * 0xffff_ffff)) },
  operation: { type: 'string', default: '' },
  from: { type: 'string', default: '0' },
  at: { type: 'string' }
})
const requests = wholeGiven('requests', values.requests, [1, 10_000_000])
const seed = wholeGiven('seed', values.seed, [0, 0xffff_ffff])
const from = wholeGiven('from', values.from, [0, 10_000_000])
const at = values.at === undefined ? undefined : wholeGiven('at', values.at, [0, 10_000_000])
process.exitCode = (await fuzzed()) ? 0 : 1

interface Found {
  readonly operation: string
  readonly n: number
  readonly what: string
}

async function fuzzed(): Promise<boolean> {
  await using hub = await Hub.start(ENV)
  const operations = await chosen(hub)
  using sender = new Sender(hub.port, AT_ONCE)
  const found = new Map<string, Found>()
  const statuses = new Map<number, number>()
  let [sent, told] = [0, performance.now()]
  const one = async (operation: Operation, n: number): Promise<void> => {
    const what = await faultOf(sender, operation, n, status =>
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
    )
    sent++
    // One of each kind for an operation is enough.
    if (what !== undefined)
      found.set(`${operation.name} ${what.slice(0, 30)}`, { operation: operation.name, n, what })
    if (performance.now() - told < TELL_EVERY_MS) return
    told = performance.now()
    console.log(`${sent} requests, ${found.size} kinds of faults, ${Math.round(hub.memory().now)} MiB`)
  }
  const [first, past] = at === undefined ? [from, from + requests] : [at, at + 1]
  let next = first * operations.length
  const since = performance.now()
  const [hubSince, ownSince] = [hub.processorMs(), ownMs()]
  const last = past * operations.length
  // Whoever ends it early is told how far it came.
  process.once('SIGTERM', () => (next = Math.max(next, last)))
  const worker = async (): Promise<void> => {
    while (next < last) {
      const index = next++
      await one(operations[index % operations.length]!, Math.floor(index / operations.length))
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  const seconds = (performance.now() - since) / 1000
  const [hubMs, mineMs] = [hub.processorMs() - hubSince, ownMs() - ownSince]
  console.log(
    `${Math.round(seconds)} s, processor time of a request: ${(hubMs / sent).toFixed(2)} ms of the hub, ${(mineMs / sent).toFixed(2)} ms here`
  )
  const due = last - first * operations.length
  return report(hub, { found: [...found.values()], statuses, sent, due, operations: operations.length })
}

function ownMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

async function chosen({ url }: Hub): Promise<readonly Operation[]> {
  const document = (await (await fetch(`${url}/openapi.json`)).json()) as Parameters<typeof operationsOf>[0]
  const operations = operationsOf(document).filter(({ name }) => name.includes(values.operation))
  if (operations.length === 0)
    refuseArguments(`--operation ${values.operation}: no operation has that in its name`)
  return operations
}

async function faultOf(
  sender: Sender,
  operation: Operation,
  n: number,
  onStatus: (status: number) => void
): Promise<string | undefined> {
  const request = asking(operation, seed, n)
  if (at !== undefined)
    console.log(request.method, request.target, request.headers, request.body.toString('latin1'))
  try {
    const answer = await sender.send(request)
    if (answer === undefined) return undefined
    if (at !== undefined)
      console.log(answer.status, answer.headers, answer.body.toString('latin1').slice(0, 2000))
    onStatus(answer.status)
    const { method } = request
    const statuses = method === operation.method ? operation.statuses : undefined
    const hasDeadline = request.target.includes('deadline_ms') || request.body.includes('deadline_ms')
    return wrongWith({ method, statuses, hasDeadline }, answer)
  } catch (error) {
    return `had no answer: ${(error as Error).message}`
  }
}

interface Run {
  readonly found: readonly Found[]
  readonly statuses: ReadonlyMap<number, number>
  readonly sent: number
  readonly due: number
  readonly operations: number
}

function report(hub: Hub, { found, statuses, sent, due, operations }: Run): boolean {
  const { most } = hub.memory()
  const problems = [
    ...found.map(({ operation, n, what }) => `${operation}, request ${n} of seed ${seed}: ${what}`),
    ...hub.faults.map(line => `the log of the hub: ${line}`),
    ...(sent < due ? [`it was ended before the ${due}th request`] : []),
    ...(most > MEMORY_MOST_MIB ? [`the hub took ${Math.round(most)} MiB, at most ${MEMORY_MOST_MIB}`] : [])
  ]
  for (const problem of problems.slice(0, SHOWN)) console.log(problem)
  const counts = [...statuses].toSorted(([a], [b]) => a - b).map(([status, times]) => `${status}: ${times}`)
  console.log(
    `fuzz:http: seed ${seed}, ${operations} operations, ${sent} requests from the ${from}th of each, ${counts.join(', ')}, at most ${Math.round(most)} MiB; ` +
      (problems.length === 0 ? 'nothing is wrong' : `${problems.length} FAULTS`)
  )
  return problems.length === 0
}
