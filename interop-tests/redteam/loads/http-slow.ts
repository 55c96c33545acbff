import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Caller } from '../../http/caller.ts'
import { ADMIN, Hub } from '../../http/hub.ts'
import { printTable } from '../table.ts'

const SIZES = { full: { connections: 1000, seconds: 45 }, short: { connections: 200, seconds: 10 } } as const
const MEMORY_MOST_MIB = 128
const RECOVERY_MOST_MS = 5000
const IN_A_ROW = 20
const PROBED_MS = 30_000
const ARTIFACT = '/ams/v1/artifacts/large'
const ARTIFACT_BYTES = 2_000_000

interface Kind {
  readonly name: string
  /** Arguments of slowhttptest beside those that all have. */
  readonly args: (url: string) => readonly string[]
}

const KINDS: readonly Kind[] = [
  { name: 'headers', args: url => ['-H', '-i', '2', '-x', '24', '-u', `${url}/healthz`] },
  {
    name: 'bodies',
    args: url => ['-B', '-i', '2', '-x', '10', '-s', '8192', '-t', 'POST', '-u', `${url}/ams/v1/envelopes`]
  },
  {
    name: 'reading',
    args: url => [
      '-X',
      '-w',
      '1',
      '-y',
      '16',
      '-n',
      '5',
      '-z',
      '16',
      '-k',
      '3',
      '-u',
      `${url}${ARTIFACT}?payload=1`
    ]
  }
]

interface Outcome {
  readonly answered: number
  readonly asked: number
  readonly recoveryMs: number
  readonly grownMiB: number
}

/** slowhttptest against a hub: what the hub keeps for it, and how soon it is as before. */
export async function httpSlow(full: boolean): Promise<boolean> {
  const size = full ? SIZES.full : SIZES.short
  await using hub = await Hub.start({ OMNIGATE_GATEWAY__RATE_LIMITS: 'false' })
  using caller = new Caller(hub.port, '127.0.0.1', 4)
  const kept = await fetch(`${hub.url}${ARTIFACT}`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${ADMIN}`, 'content-type': 'text/plain' },
    body: 'x'.repeat(ARTIFACT_BYTES)
  })
  if (kept.status !== 201) throw new Error(`the artifact was answered with ${kept.status}`)
  const rows: string[][] = []
  const problems: string[] = []
  for (const { name, args } of KINDS) {
    const { answered, asked, recoveryMs, grownMiB } = await slow(hub, caller, args(hub.url), size)
    const recovered = Math.round(recoveryMs)
    rows.push([name, `${answered} of ${asked}`, String(recovered), grownMiB.toFixed(0)])
    if (!(recoveryMs <= RECOVERY_MOST_MS)) problems.push(`${name}: good again only after ${recovered} ms`)
    if (grownMiB > MEMORY_MOST_MIB) problems.push(`${name}: ${grownMiB.toFixed(0)} MiB more`)
  }
  problems.push(...hub.faults)
  printTable(['slow', 'others answered meanwhile', 'good again after ms', 'MiB more'], rows)
  for (const problem of problems) console.log(problem)
  console.log(problems.length === 0 ? 'pass' : 'FAIL')
  return problems.length === 0
}

async function slow(
  hub: Hub,
  caller: Caller,
  args: readonly string[],
  { connections, seconds }: { readonly connections: number; readonly seconds: number }
): Promise<Outcome> {
  const before = hub.memory().now
  const all = ['-c', String(connections), '-r', '200', '-l', String(seconds), '-p', '3', ...args]
  const program = spawn('slowhttptest', all, { stdio: ['ignore', 'ignore', 'inherit'] })
  let isOver = false
  const ended = once(program, 'exit').finally(() => (isOver = true))
  let [asked, answered, most] = [0, 0, 0]
  while (!isOver) {
    asked++
    if (await isHealthy(caller)) answered++
    most = Math.max(most, hub.memory().now)
    await new Promise(resolve => setTimeout(resolve, 100))
  }
  const [code] = (await ended) as [number | null]
  if (code === null) throw new Error('slowhttptest was ended by a signal')
  return { asked, answered, recoveryMs: await recovery(caller), grownMiB: most - before }
}

const isHealthy = (caller: Caller): Promise<boolean> =>
  caller.call({ method: 'GET', path: '/healthz' }).then(
    ({ status }) => status === 200,
    () => false
  )

async function recovery(caller: Caller): Promise<number> {
  const since = performance.now()
  let first = since
  for (let inARow = 0; inARow < IN_A_ROW;) {
    const asked = performance.now()
    if (asked - since > PROBED_MS) return Infinity
    if (inARow === 0) first = asked
    inARow = (await isHealthy(caller)) ? inARow + 1 : 0
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  return first - since
}
