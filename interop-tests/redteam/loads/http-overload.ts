import { mailboxService } from 'omnigate/protocols'
import { OapError, connect } from 'omnigate/sdk'
import { omnigate } from '../../our-node.ts'
import { ADMIN, Hub } from '../../http/hub.ts'
import { Caller, Tally, paced } from '../../http/caller.ts'
import type { Call, Called } from '../../http/caller.ts'
import { printTable } from '../table.ts'

const TIMES = 5
/** What must really be made of that: who waits for room overloads nobody. */
const TIMES_LEAST = 4.5
const RECOVERY_MOST_MS = 5000
/** Of the hub's processor time under overload, for batches that are taken. */
const USEFUL_LEAST = 0.5
const MEMORY_MOST_MIB = 128
const IN_A_ROW = 20
const PROBED_MS = 20_000
const AMPLE = '1000000000'
const ENV = {
  OMNIGATE_GATEWAY__RATE_LIMITS: 'false',
  OMNIGATE_CAPABILITIES__TAKES_BEARER: 'true',
  OMNIGATE_QUOTAS__TENANT_CALLS_PER_SECOND: AMPLE,
  OMNIGATE_QUOTAS__TENANT_BURST: AMPLE,
  OMNIGATE_QUOTAS__TENANT_BYTES_PER_SECOND: AMPLE,
  OMNIGATE_MAILBOX__TOPIC_DEPTH: AMPLE
}
const SIZES = {
  full: { capacityMs: 5000, overloadMs: 20_000 },
  short: { capacityMs: 1000, overloadMs: 3000 }
} as const
/** Of each way; the best counts. */
const OPEN_AT_CAPACITY = [16, 128]
/** More are due, and not made: their callers would have to wait. */
const OPEN_MOST = 4000
const HTTP_CONNECTIONS = 400
const OAP_CONNECTIONS = 8

const MESSAGES = Array.from({ length: 128 }, () => ({ body: 'x'.repeat(128) }))
const BATCH: Call = {
  method: 'POST',
  path: '/mailbox/v1/send_batch',
  token: ADMIN,
  body: JSON.stringify({ topic: 'load', items: MESSAGES })
}

interface SendBatch {
  readonly topic: string
  readonly items: readonly { readonly body: Uint8Array }[]
}

/** A way to send a batch: how it ended, as HTTP tells it. */
type Send = () => Promise<Called>

/** Five times as many durable batches as the hub can take, half of them over HTTP and half over OAP. */
export async function httpOverload(full: boolean): Promise<boolean> {
  const { capacityMs, overloadMs } = full ? SIZES.full : SIZES.short
  await using hub = await Hub.start(ENV)
  using http = new Caller(hub.port, '127.0.0.1', HTTP_CONNECTIONS)
  await using stack = new AsyncDisposableStack()
  const cap = await tokenOf(hub)
  const sends: ((request: SendBatch) => Promise<unknown>)[] = []
  for (let i = 0; i < OAP_CONNECTIONS; i++)
    sends.push(stack.use(await connect(hub.address, { cap })).client(mailboxService).send_batch)
  const records = MESSAGES.map(({ body }) => ({ body: Buffer.from(body) }))
  let turn = 0
  const ways: readonly Send[] = [
    () => http.call(BATCH),
    () =>
      sends[turn++ % OAP_CONNECTIONS]!({ topic: 'load', items: records }).then(
        () => ({ status: 200, retryAfterS: 0 }),
        told
      )
  ]

  let [most, leastMs] = [0, Infinity]
  for (const open of OPEN_AT_CAPACITY) {
    const since = hub.processorMs()
    const { perSecond, good: taken } = await capacity(ways, open, capacityMs)
    most = Math.max(most, perSecond)
    leastMs = Math.min(leastMs, (hub.processorMs() - since) / taken)
  }
  const before = hub.memory().now
  const since = hub.processorMs()
  const { tallies, made } = await overload(ways, TIMES * most, overloadMs)
  const usedMs = hub.processorMs() - since
  const recoveryMs = await recovery(ways)
  const grown = hub.memory().most - before
  const good = tallies.reduce((sum, tally) => sum + tally.good, 0)
  printTable(
    ['over', 'answered', '429', '503', 'otherwise'],
    tallies.map(({ good: answered, refused, wrong }, i) =>
      [['HTTP', 'OAP'][i]!, answered, refused.get(429) ?? 0, refused.get(503) ?? 0, wrong.length].map(String)
    )
  )
  // That part of the processor time went into batches that were taken, whatever else ran on the machine.
  const useful = (good * leastMs) / usedMs
  console.log(
    `processor time of the hub: ${leastMs.toFixed(1)} ms a batch without overload, ${(usedMs / good).toFixed(1)} with; ` +
      `${Math.round(useful * 100)} % of it for batches that were taken`
  )
  if (http.resent > 0) console.log(`${http.resent} requests were sent again, as their connection had ended`)
  const times = (made * 1000) / overloadMs / most
  const problems = [
    ...(times >= TIMES_LEAST || !full ? [] : [`only ${times.toFixed(1)} times as many were made`]),
    ...(useful >= USEFUL_LEAST || !full ? [] : ['most of its processor time went into refusals']),
    ...tallies.flatMap(({ wrong }) => wrong.slice(0, 1)),
    ...(recoveryMs <= RECOVERY_MOST_MS ? [] : [`good again only after ${Math.round(recoveryMs)} ms`]),
    ...(grown <= MEMORY_MOST_MIB ? [] : [`${Math.round(grown)} MiB more`]),
    ...hub.faults
  ]
  for (const problem of problems) console.log(problem)
  console.log(
    `${Math.round(most)} batches a second without overload; ${times.toFixed(1)} times that made, ` +
      `${((good * 1000) / overloadMs / most).toFixed(2)} times that taken; ${Math.round(grown)} MiB more, good again after ` +
      `${Math.round(recoveryMs)} ms: ${problems.length === 0 ? 'pass' : 'FAIL'}`
  )
  return problems.length === 0
}

async function tokenOf({ folder }: Hub): Promise<string> {
  const args = [
    'cap',
    'mint',
    '--data',
    `${folder}/hub`,
    '--verb',
    'mailbox:send',
    '--tenant',
    'default',
    '--bearer'
  ]
  const { code, stdout, stderr } = await omnigate(args)
  if (code !== 0) throw new Error(stderr)
  return stdout[0]!
}

function told(error: unknown): Called {
  if (!(error instanceof OapError)) throw error
  return { status: error.status, retryAfterS: (error.retryAfterMs ?? 0) / 1000 }
}

/** Batches a second that are taken, with so many open at any time. */
async function capacity(ways: readonly Send[], open: number, forMs: number) {
  const tally = new Tally()
  const started = performance.now()
  const slot = async (send: Send): Promise<void> => {
    while (performance.now() - started < forMs)
      await send().then(
        ended => tally.add(ended),
        (error: unknown) => tally.failed(error)
      )
  }
  await Promise.all(ways.flatMap(send => Array.from({ length: open }, () => slot(send))))
  return { perSecond: (tally.good * 1000) / (performance.now() - started), good: tally.good }
}

async function overload(ways: readonly Send[], perSecond: number, forMs: number) {
  const tallies = ways.map(() => new Tally())
  let [turn, made, open] = [0, 0, 0]
  await paced(perSecond, forMs, () => {
    const way = turn++ % ways.length
    if (open >= OPEN_MOST) return
    open++
    made++
    void ways[way]!()
      .then(
        ended => tallies[way]!.add(ended),
        (error: unknown) => tallies[way]!.failed(error)
      )
      .finally(() => open--)
  })
  while (open > 0) await new Promise(resolve => setTimeout(resolve, 10))
  return { tallies, made }
}

/** Milliseconds until the first of many batches in a row that are all taken. */
async function recovery(ways: readonly Send[]): Promise<number> {
  const since = performance.now()
  let first = since
  for (let inARow = 0, turn = 0; inARow < IN_A_ROW; turn++) {
    const asked = performance.now()
    if (asked - since > PROBED_MS) return Infinity
    if (inARow === 0) first = asked
    const { status } = await ways[turn % ways.length]!()
    inARow = status === 200 ? inARow + 1 : 0
    await new Promise(resolve => setTimeout(resolve, 10))
  }
  return first - since
}
