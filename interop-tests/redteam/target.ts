import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { NodeStatus } from 'omnigate'
import type { Answer, Ask, Ready } from './target-messages.ts'

const SCRIPT = fileURLToPath(new URL('./target-node.ts', import.meta.url))
const ASK_MS = 60_000
const STOP_MS = 60_000
const TICKS_PER_SECOND = 100
const SETTLE_ROUNDS = 12
const SETTLE_PAUSE_MS = 100
/** Events of the log that mean a fault of ours. */
const FAULTS = new Set(['SessionBroke', 'HandlerFailed', 'ServiceCrashed'])

/** The node under attack, in a process of its own. */
export class Target implements AsyncDisposable {
  readonly #process: ChildProcess
  readonly #waiting = new Map<number, (value: unknown) => void>()
  readonly #ended: Promise<void>
  #lastId = 0
  #faults: string[] = []
  address = ''
  peakBytes = 0

  private constructor(child: ChildProcess) {
    this.#process = child
    child.on('message', message => this.#settle(message as Answer))
    createInterface(child.stderr!).on('line', text => this.#read(text))
    this.#ended = new Promise(resolve => child.once('exit', () => resolve()))
  }

  static async start(config: Readonly<Record<string, unknown>>): Promise<Target> {
    const args = Object.entries(config).map(([path, value]) => `${path}=${JSON.stringify(value)}`)
    const child = fork(SCRIPT, args, {
      // The young generation as `omnigate start` bounds it.
      execArgv: ['--expose-gc', '--max-semi-space-size=8', '--no-allocation-site-pretenuring'],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc']
    })
    const target = new Target(child)
    const ready = new Promise<NodeStatus>(resolve =>
      child.once('message', message => resolve((message as Ready).ready))
    )
    const ended = target.#ended.then(() => {
      throw new Error(`the node did not start: ${target.#faults.join('; ')}`)
    })
    target.address = (await Promise.race([ready, ended])).addresses[0]!
    return target
  }

  get isAlive(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null
  }

  /** Faults of ours in the log since the last call. */
  takeFaults(): string[] {
    const faults = this.#faults
    this.#faults = []
    return faults
  }

  rssBytes(): number {
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(
      readFileSync(`/proc/${this.#process.pid}/status`, 'latin1')
    )?.[1]
    if (kilobytes === undefined) throw new Error('the node is gone')
    const bytes = Number(kilobytes) * 1024
    this.peakBytes = Math.max(this.peakBytes, bytes)
    return bytes
  }

  /** Seconds of processor time that the node has used so far. */
  cpuSeconds(): number {
    const stat = readFileSync(`/proc/${this.#process.pid}/stat`, 'latin1')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
  }

  status(): Promise<NodeStatus> {
    return this.#ask('status') as Promise<NodeStatus>
  }

  pushedBytes(): Promise<number> {
    return this.#ask('pushed') as Promise<number>
  }

  /** How long turns of the node's event loop lasted since the last question. */
  turns(): Promise<{ readonly p99Ms: number; readonly mostMs: number }> {
    return this.#ask('delay') as Promise<{ p99Ms: number; mostMs: number }>
  }

  /** Resident bytes once garbage is collected: the least of what is seen until it no longer falls below `goal`. */
  async settledBytes(goal = 0): Promise<number> {
    let least = Infinity
    for (let round = 0; round < SETTLE_ROUNDS && least > goal; round++) {
      await this.#ask('settle')
      await sleep(SETTLE_PAUSE_MS)
      least = Math.min(least, this.rssBytes())
    }
    return least
  }

  /** Collects garbage and tells what the process says of its memory. */
  async memory(): Promise<NodeJS.MemoryUsage> {
    return (await this.#ask('settle')) as NodeJS.MemoryUsage
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.isAlive) return
    const force = setTimeout(() => this.#process.kill('SIGKILL'), STOP_MS)
    this.#process.disconnect()
    await this.#ended
    clearTimeout(force)
  }

  #ask(what: Ask['what']): Promise<unknown> {
    const id = ++this.#lastId
    return new Promise((resolve, reject) => {
      const late = setTimeout(
        () => reject(new Error(`the node did not tell its ${what} in ${ASK_MS} ms`)),
        ASK_MS
      )
      this.#waiting.set(id, value => {
        clearTimeout(late)
        resolve(value)
      })
      this.#process.send({ id, what } satisfies Ask)
    })
  }

  #settle({ id, value }: Answer): void {
    this.#waiting.get(id)?.(value)
    this.#waiting.delete(id)
  }

  #read(text: string): void {
    if (FAULTS.has(eventOf(text)) || !text.startsWith('{')) this.#faults.push(text)
  }
}

function eventOf(text: string): string {
  try {
    return String((JSON.parse(text) as { event?: unknown }).event)
  } catch {
    return ''
  }
}
