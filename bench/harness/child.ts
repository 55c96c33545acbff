import { fork, type ChildProcess } from 'node:child_process'
import type { Answer, Ask } from './answering.ts'

const STOP_MS = 5000

/** A process of the bench that answers over IPC; what it prints goes to stderr. */
export class Child {
  readonly #process: ChildProcess
  readonly #name: string
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>()
  #lastId = 0
  #stopping = false

  private constructor(name: string, process: ChildProcess) {
    this.#name = name
    this.#process = process
    process.on('message', (answer: Answer) => this.#settle(answer))
    process.on('error', error => this.#fail(`${name}: ${error.message}`))
    process.on('exit', (code, signal) => this.#fail(`${name}: ended early (${signal ?? `exit ${code}`})`))
  }

  static start(name: string, script: URL, args: readonly string[], execArgv: readonly string[] = []): Child {
    return new Child(name, fork(script, args, { stdio: ['ignore', 2, 2, 'ipc'], execArgv: [...execArgv] }))
  }

  get pid(): number {
    const { pid } = this.#process
    if (pid === undefined) throw new Error(`${this.#name}: could not be started`)
    return pid
  }

  async ask<T>(
    what: string,
    { args = {}, withinMs = 30_000 }: { args?: object; withinMs?: number } = {}
  ): Promise<T> {
    const id = ++this.#lastId
    const waiting = Promise.withResolvers<unknown>()
    this.#waiting.set(id, waiting)
    const late = setTimeout(
      () => waiting.reject(new Error(`${this.#name}: no answer to ${what} in ${withinMs} ms`)),
      withinMs
    )
    try {
      this.#process.send({ id, what, args } satisfies Ask, error => {
        if (error !== null) waiting.reject(new Error(`${this.#name}: ${error.message}`))
      })
      return (await waiting.promise) as T
    } finally {
      clearTimeout(late)
      this.#waiting.delete(id)
    }
  }

  /** Resolves once the process has ended: asked by closing its IPC, then by signal. */
  async stop(): Promise<void> {
    if (this.#stopping) return
    this.#stopping = true
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return
    const ended = new Promise<void>(resolve => this.#process.once('exit', () => resolve()))
    const force = setTimeout(() => this.#process.kill('SIGKILL'), STOP_MS)
    if (this.#process.connected) this.#process.disconnect()
    await ended
    clearTimeout(force)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  #settle(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id)
    if (answer.error === undefined) waiting?.resolve(answer.value)
    else waiting?.reject(new Error(`${this.#name}: ${answer.error}`))
  }

  #fail(message: string): void {
    for (const waiting of this.#waiting.values()) waiting.reject(new Error(message))
  }
}
