import { Caller, Tally, paced } from '../../http/caller.ts'
import type { Call } from '../../http/caller.ts'
import { Hub, WRITE } from '../../http/hub.ts'
import { printTable } from '../table.ts'
import { citizenProblems } from './citizen-judge.ts'

const FULL_S = 600
const SHORT_S = 10
/** What docs/gateway.md and the guide of a hub promise to callers without a token, and to those with one, a minute. */
const OPEN = { reads: 200, writes: 30 }
const KNOWN = { reads: 12_000, writes: 6000 }
const FLOOD_PER_SECOND = 100
/** Of one caller. */
const OPEN_MOST = 64

const READ: Call = { method: 'GET', path: '/ams/v1/threads?limit=1' }
const ENVELOPE = JSON.stringify({
  type: 'note',
  thread: 't_a',
  from: 'agent:a',
  to: 'b',
  payload: { text: 'x' }
})
const POST: Call = { method: 'POST', path: '/ams/v1/envelopes', body: ENVELOPE }

interface Party {
  readonly name: string
  /** An address of this machine, that is a source of its own to the hub. */
  readonly from: string
  readonly token?: string
  /** A second. */
  readonly reads: number
  readonly writes: number
}

const PARTIES: readonly Party[] = [
  { name: 'without a token', from: '127.0.0.1', reads: OPEN.reads / 60, writes: OPEN.writes / 60 },
  {
    name: 'with a token',
    from: '127.0.0.3',
    token: WRITE,
    reads: KNOWN.reads / 60,
    writes: KNOWN.writes / 60
  },
  { name: 'the flood', from: '127.0.0.2', reads: FLOOD_PER_SECOND / 2, writes: FLOOD_PER_SECOND / 2 }
]

/** Callers who ask for all that the documented limits give them, beside one who floods: only that one may see 429. */
export async function httpCitizen(full: boolean, seconds = full ? FULL_S : SHORT_S): Promise<boolean> {
  await using hub = await Hub.start()
  const before = hub.memory().now
  const [since, usedBefore] = [performance.now(), hub.processorMs()]
  const tallies = await Promise.all(PARTIES.map(party => load(hub, party, seconds * 1000)))
  printTable(
    ['caller', 'answered', '429', '503', 'otherwise', 'not asked'],
    PARTIES.map(({ name }, i) => {
      const { good, refused, wrong, left } = tallies[i]!
      return [name, good, refused.get(429) ?? 0, refused.get(503) ?? 0, wrong.length, left].map(String)
    })
  )
  const used = ((hub.processorMs() - usedBefore) / (performance.now() - since)) * 100
  const judged = PARTIES.map(({ name }, i) => ({ name, tally: tallies[i]! }))
  const isFull = seconds >= FULL_S
  const problems = [...citizenProblems(judged.slice(0, -1), judged.at(-1)!, isFull), ...hub.faults]
  for (const problem of problems) console.log(problem)
  console.log(
    // Where others are answered 503 while it used little, the machine was busy with something else.
    `${seconds} s, ${Math.round(used)} % of a processor for the hub, ${Math.round(hub.memory().most - before)} MiB more at most: ${problems.length === 0 ? 'pass' : 'FAIL'}`
  )
  return problems.length === 0
}

async function load({ port }: Hub, { from, token, reads, writes }: Party, forMs: number): Promise<Tally> {
  using caller = new Caller(port, from, 64)
  const tally = new Tally()
  const open = new Set<Promise<void>>()
  const one = (call: Call) => (): void => {
    // Who was kept waiting asks for less, and not for all of it at once.
    if (open.size >= OPEN_MOST) {
      tally.left++
      return
    }
    const ended: Promise<void> = caller
      .call({ ...call, ...(token !== undefined && { token }) })
      .then(
        told => tally.add(told),
        (error: unknown) => tally.failed(error)
      )
      .finally(() => open.delete(ended))
    open.add(ended)
  }
  await Promise.all([paced(reads, forMs, one(READ)), paced(writes, forMs, one(POST))])
  await Promise.all(open)
  return tally
}
