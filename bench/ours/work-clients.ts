import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { DEFAULT_MAX_INFLIGHT, echoService } from 'omnigate/protocols'
import { connect, type NodeConnection } from 'omnigate/sdk'
import { answerParent } from '../harness/answering.ts'
import { openLoop } from '../harness/open-loop.ts'
import { Outcomes, type Told } from '../harness/outcomes.ts'
import { quantile } from '../harness/statistics.ts'

// Callers of `work` on many connections, in one process: first as many calls at a time as are asked for, then at a pace
// that no answer slows down.

const WORK = { ms: 1 }
const LAST_ANSWER_MS = 20_000
const QUIET_CALLS = 100
/** As good as quiet: so many calls in a row, none slower than this many times the p99 of a quiet node. */
const GOOD_IN_A_ROW = 20
const GOOD_TIMES_QUIET = 2
const GOOD_LEAST_MS = 10
const PROBE_EVERY_MS = 10

export interface Overloaded extends Told {
  /** Calls a second that were due, and those for which a session had room. */
  readonly due: number
  readonly made: number
  /** Successful answers a second, of those that came while calls were made. */
  readonly goodput: number
  /** From the last call until the node was as good as quiet, with every call answered; absent where it never was. */
  readonly recoveryMs?: number
}

class Caller {
  readonly connection: NodeConnection
  readonly work: () => Promise<unknown>
  open = 0

  constructor(connection: NodeConnection) {
    this.connection = connection
    const { work } = connection.client(echoService)
    this.work = () => work(WORK)
  }
}

const [address, count] = process.argv.slice(2) as [string, string]
const [multiaddr = '', cap] = address.split(' ')
const callers: Caller[] = []
for (let i = 0; i < Number(count); i++)
  callers.push(new Caller(await connect(multiaddr, { encryption: ['noise'], cap })))
const probe = new Caller(await connect(multiaddr, { encryption: ['noise'], cap }))

/** Successful calls a second with so many open at any time. */
async function closedLoop({ inFlight, forMs }: { inFlight: number; forMs: number }): Promise<number> {
  const started = performance.now()
  const outcomes = new Outcomes()
  const slots = Array.from({ length: inFlight }, async (_, i) => {
    while (performance.now() - started < forMs)
      await callers[i % callers.length]!.work().then(
        () => outcomes.success(0),
        (error: unknown) => outcomes.failure(error)
      )
  })
  await Promise.all(slots)
  return (outcomes.succeeded * 1000) / (performance.now() - started)
}

/** Calls at a pace; one for which no session has room is due and not made, as its caller would have to wait. */
async function overload(pace: { perSecond: number; forMs: number }): Promise<Overloaded> {
  const quietMs = await quietP99Ms()
  const outcomes = new Outcomes()
  let [due, made, turn] = [0, 0, 0]
  await openLoop(pace, dueMs => {
    due++
    for (let i = 0; i < callers.length; i++) {
      const caller = callers[turn++ % callers.length]!
      if (caller.open >= DEFAULT_MAX_INFLIGHT) continue
      made++
      return callOnce(caller, dueMs, outcomes)
    }
  })
  const goodput = (outcomes.succeeded * 1000) / pace.forMs
  const ended = performance.now()
  const recovered = recoveredAfter(ended, Math.max(GOOD_LEAST_MS, GOOD_TIMES_QUIET * quietMs))
  const answeredMs = await allAnswered(ended, outcomes)
  const probedMs = await recovered
  const perSecond = (calls: number): number => (calls * 1000) / pace.forMs
  return {
    ...outcomes.told(),
    due: perSecond(due),
    made: perSecond(made),
    goodput,
    ...(probedMs !== undefined && { recoveryMs: Math.max(probedMs, answeredMs) })
  }
}

function callOnce(caller: Caller, dueMs: number, outcomes: Outcomes): void {
  caller.open++
  caller
    .work()
    .then(
      () => outcomes.success(performance.now() - dueMs),
      (error: unknown) => outcomes.failure(error)
    )
    .finally(() => caller.open--)
}

/** Milliseconds until no call is open. */
async function allAnswered(since: number, outcomes: Outcomes): Promise<number> {
  const open = (): number => callers.reduce((sum, caller) => sum + caller.open, 0)
  while (open() > 0 && performance.now() - since < LAST_ANSWER_MS) await sleep(1)
  outcomes.wrong(`no answer within ${LAST_ANSWER_MS} ms`, open())
  return performance.now() - since
}

/** Milliseconds until the first of many calls in a row that are all good. */
async function recoveredAfter(since: number, goodMs: number): Promise<number | undefined> {
  let first = 0
  for (let inARow = 0; inARow < GOOD_IN_A_ROW;) {
    const asked = performance.now()
    if (asked - since > LAST_ANSWER_MS) return undefined
    const isAnswered = await probe.work().then(
      () => true,
      () => false
    )
    const isGood = isAnswered && performance.now() - asked <= goodMs
    if (inARow === 0) first = asked
    inARow = isGood ? inARow + 1 : 0
    await sleep(PROBE_EVERY_MS)
  }
  return first - since
}

async function quietP99Ms(): Promise<number> {
  const times: number[] = []
  for (let i = 0; i < QUIET_CALLS; i++) {
    const asked = performance.now()
    await probe.work()
    times.push(performance.now() - asked)
  }
  return quantile(times, 0.99)
}

answerParent({ ready: () => true, closedLoop, overload }, () =>
  Promise.all([...callers, probe].map(({ connection }) => connection.close()))
)
