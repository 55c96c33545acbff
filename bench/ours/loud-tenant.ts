import { constants, setPriority } from 'node:os'
import { DEFAULT_MAX_INFLIGHT } from 'omnigate/protocols'
import { answerParent } from '../harness/answering.ts'
import { CallCounts } from '../harness/call-counts.ts'
import { openLoop, type Pace } from '../harness/open-loop.ts'
import { TenantClient } from './tenant-client.ts'

// A tenant who calls at a pace whatever it is answered: echo, and as often the mailbox.

/** A node reads 1000 refused calls a second of a connection, so ten times the quota of 1000 takes so many. */
const CONNECTIONS = 10

/** Calls that were made, to one of both apps. */
export interface Storm {
  readonly echo: number
  readonly mailbox: number
}

const [address, token] = process.argv.slice(2) as [string, string]
const counts = new CallCounts()

/** One connection for one kind of call. */
class Line {
  readonly #call: () => Promise<void>
  #open = 0

  constructor(call: () => Promise<void>) {
    this.#call = call
  }

  /** False when there is no room for one more. */
  call(): boolean {
    if (this.#open >= DEFAULT_MAX_INFLIGHT) return false
    this.#open++
    void this.#call()
      .catch(() => undefined)
      .finally(() => this.#open--)
    return true
  }

  get open(): number {
    return this.#open
  }
}

const clients: TenantClient[] = []
for (let i = 0; i < 2 * CONNECTIONS; i++) clients.push(await TenantClient.connect(address, token, counts))
// What is measured has the processor first; this process has what is left once it is connected.
setPriority(constants.priority.PRIORITY_LOW)
const lines = {
  echo: clients.slice(0, CONNECTIONS).map(client => new Line(() => client.echo())),
  mailbox: clients.slice(CONNECTIONS).map(client => new Line(() => client.send()))
}

async function storm(pace: Pace): Promise<Storm> {
  const [echo, mailbox] = await Promise.all([stormOn(lines.echo, pace), stormOn(lines.mailbox, pace)])
  while ([...lines.echo, ...lines.mailbox].some(line => line.open > 0)) await new Promise(setImmediate)
  return { echo, mailbox }
}

async function stormOn(some: readonly Line[], pace: Pace): Promise<number> {
  let [made, turn] = [0, 0]
  await openLoop(pace, () => {
    for (let i = 0; i < some.length; i++)
      if (some[turn++ % some.length]!.call()) {
        made++
        return
      }
  })
  return made
}

answerParent({ ready: () => true, storm, seen: () => counts.seen() }, () =>
  Promise.all(clients.map(client => client.close()))
)
