import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ProcessReading } from './process-reading.ts'

const START_MS = 60_000
const ANSWER_MS = 60_000
const STOP_MS = 60_000
const POLL_MS = 25

/** What the node says is open; a node at rest has zeros. */
export interface Open {
  readonly connections: number
  readonly sessions: number
  readonly calls: number
  readonly inbound_held_bytes: number
}

export interface NodeReading extends ProcessReading {
  readonly address: string
  readonly ready: boolean
  readonly open: Open
}

/** Bytecode is kept, or the collected heap would shrink whenever code has not run for a while. */
const EXEC_ARGV = ['--expose-gc', '--no-flush-bytecode']

const CONFIG = {
  'node.listen': ['/ip4/127.0.0.1/tcp/0'],
  'http.enabled': false,
  'capabilities.openVerbs': ['*'],
  'strangers.loopbackIsKnown': true,
  'log.level': 'error'
}

export const isAtRest = ({ open }: NodeReading): boolean => Object.values(open).every(count => count === 0)

/** A node in a process of its own that can be asked what it holds. */
export class MeasuredNode implements AsyncDisposable {
  readonly #process: ChildProcess
  readonly #waiting = new Map<number, PromiseWithResolvers<NodeReading>>()
  #lastId = 0
  #first: NodeReading | undefined

  private constructor(process: ChildProcess) {
    this.#process = process
    process.on('message', ({ id, reading }: { id: number; reading: NodeReading }) =>
      this.#waiting.get(id)?.resolve(reading)
    )
    process.on('exit', (code, signal) => this.#fail(`the node ended: ${signal ?? `exit ${code}`}`))
    process.on('error', error => this.#fail(error.message))
  }

  /**
   * Resolves once the node serves; `config` holds values by their path, such as `limits.frameTimeoutMs`. With `data` it
   * keeps what it stores in that folder, which is made where there is none.
   */
  static async start(
    config: Readonly<Record<string, unknown>> = {},
    { data }: { readonly data?: string } = {}
  ): Promise<MeasuredNode> {
    const script = new URL('./node-process.ts', import.meta.url)
    const args = [JSON.stringify({ ...CONFIG, ...config }), ...(data === undefined ? [] : [data])]
    const child = fork(script, args, { execArgv: EXEC_ARGV })
    const node = new MeasuredNode(child)
    node.#first = await node.#answer(0, START_MS)
    return node
  }

  get address(): string {
    return this.#first!.address
  }

  get pid(): number {
    return this.#process.pid!
  }

  read({ collect = false } = {}): Promise<NodeReading> {
    const id = ++this.#lastId
    const answer = this.#answer(id, ANSWER_MS)
    this.#process.send({ id, collect })
    return answer
  }

  /** The first reading with nothing open, else the last one before `withinMs` is over. */
  async rest({ withinMs }: { readonly withinMs: number }): Promise<NodeReading> {
    const until = performance.now() + withinMs
    for (;;) {
      const reading = await this.read()
      if (isAtRest(reading) || performance.now() > until) return reading
      await sleep(POLL_MS)
    }
  }

  /** Lets it finish what is under way. Yields its exit code, null for one that had to be killed. */
  async stop(): Promise<number | null> {
    const force = setTimeout(() => this.#process.kill('SIGKILL'), STOP_MS)
    const ended = this.#exit()
    if (this.#process.connected) this.#process.disconnect()
    await ended
    clearTimeout(force)
    return this.#process.exitCode
  }

  /** `kill -9`; resolves when the process is gone. */
  async kill(): Promise<void> {
    const ended = this.#exit()
    this.#process.kill('SIGKILL')
    await ended
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  #exit(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return Promise.resolve()
    return new Promise(resolve => this.#process.once('exit', () => resolve()))
  }

  async #answer(id: number, withinMs: number): Promise<NodeReading> {
    const answer = Promise.withResolvers<NodeReading>()
    this.#waiting.set(id, answer)
    const late = setTimeout(
      () => answer.reject(new Error(`the node gave no reading in ${withinMs} ms`)),
      withinMs
    )
    try {
      return await answer.promise
    } finally {
      clearTimeout(late)
      this.#waiting.delete(id)
    }
  }

  #fail(message: string): void {
    for (const waiting of this.#waiting.values()) waiting.reject(new Error(message))
  }
}
