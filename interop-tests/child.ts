import { spawn } from 'node:child_process'
import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

const FIRST_LINE_MS = 60_000
const END_MS = 60_000
const KEPT_STDERR_CHARACTERS = 20_000

export interface Ended {
  readonly code: number | null
  readonly stdout: readonly string[]
  readonly stderr: string
}

/** A process that tests started; `await using` ends it whatever happens. */
export class Child implements AsyncDisposable {
  readonly #process: ChildProcessWithoutNullStreams
  readonly #lines: string[] = []
  readonly #firstLine = Promise.withResolvers<string>()
  #answered = Promise.withResolvers<void>()
  readonly #ended: Promise<number | null>
  #stderr = ''

  /** `heard` gets each piece of its standard error, of which `stderr` keeps the newest part alone. */
  constructor(
    command: string,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
    heard?: (text: string) => void
  ) {
    this.#process = spawn(command, args, { env: { ...process.env, ...env } })
    createInterface(this.#process.stdout).on('line', line => {
      this.#lines.push(line)
      this.#firstLine.resolve(line)
      this.#answered.resolve()
    })
    this.#process.stderr.on('data', (text: Buffer) => {
      this.#stderr = `${this.#stderr}${text.toString()}`.slice(-KEPT_STDERR_CHARACTERS)
      heard?.(text.toString('latin1'))
    })
    this.#process.stdin.on('error', () => undefined)
    this.#ended = once(this.#process, 'close').then(([code]) => code as number | null)
    this.#ended.then(
      code => this.#firstLine.reject(new Error(`ended with ${code} before a line: ${this.#stderr}`)),
      error => this.#firstLine.reject(error)
    )
  }

  get pid(): number {
    return this.#process.pid!
  }

  get stderr(): string {
    return this.#stderr
  }

  /** The lines of its standard output so far. */
  get stdout(): readonly string[] {
    return this.#lines
  }

  /** The first line of its standard output as JSON. */
  async firstJson(): Promise<Record<string, unknown>> {
    return JSON.parse(await within(FIRST_LINE_MS, 'a first line', this.#firstLine.promise))
  }

  signal(name: 'SIGTERM' | 'SIGINT'): void {
    this.#process.kill(name)
  }

  /** Writes a line to its standard input and gives the next line of its standard output as JSON; one at a time. */
  async asked(line: string, withinMs: number): Promise<Record<string, unknown>> {
    const next = this.#lines.length
    this.#answered = Promise.withResolvers()
    this.#process.stdin.write(`${line}\n`)
    const ended = this.#ended.then(code => {
      throw new Error(`ended with ${code} instead of an answer: ${this.#stderr}`)
    })
    await within(withinMs, `an answer to ${line}`, Promise.race([this.#answered.promise, ended]))
    return JSON.parse(this.#lines[next]!)
  }

  endInput(): void {
    this.#process.stdin.end()
  }

  /** Waits until it has ended by itself. */
  async ended(withinMs = END_MS): Promise<Ended> {
    this.#firstLine.promise.catch(() => undefined)
    const code = await within(withinMs, `the end of process ${this.pid}`, this.#ended)
    return { code, stdout: this.#lines, stderr: this.#stderr }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#firstLine.promise.catch(() => undefined)
    if (this.#process.exitCode === null && this.#process.signalCode === null) this.#process.kill('SIGKILL')
    await this.ended()
  }
}

/** The promise's value, or a rejection that names what was waited for. */
export async function within<T>(ms: number, what: string, promise: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error(`${what} did not come within ${ms} ms`)), ms)
  try {
    return await Promise.race([promise, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
