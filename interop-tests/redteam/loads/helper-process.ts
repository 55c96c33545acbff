import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'

interface Reply {
  readonly id: number
  readonly value?: unknown
  readonly error?: string
}

/** One side of a load in a process of its own, so that its work does not delay what another measures. */
export class HelperProcess implements AsyncDisposable {
  readonly #process: ChildProcess
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>()
  readonly #ended: Promise<void>
  #lastId = 0

  constructor(script: URL, args: readonly string[]) {
    this.#process = fork(fileURLToPath(script), args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    this.#process.on('message', message => this.#settle(message as Reply))
    this.#ended = new Promise(resolve => this.#process.once('exit', () => resolve()))
    void this.#ended.then(() => {
      for (const { reject } of this.#waiting.values()) reject(new Error('a helper process ended early'))
    })
  }

  async ask<T>(what: string, args: object = {}): Promise<T> {
    const id = ++this.#lastId
    const waiting = Promise.withResolvers<unknown>()
    this.#waiting.set(id, waiting)
    this.#process.send({ id, what, args })
    return (await waiting.promise) as T
  }

  #settle({ id, value, error }: Reply): void {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (error === undefined) waiting?.resolve(value)
    else waiting?.reject(new Error(error))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return
    this.#process.kill('SIGKILL')
    await this.#ended
  }
}

/** Answers the parent's questions; ends with it, also where that left before this was called. */
export function answerParent(answers: Readonly<Record<string, (args: never) => unknown>>): void {
  if (!process.connected) process.exit()
  process.once('disconnect', () => process.exit())
  process.on('message', (message: { id: number; what: string; args: never }) => {
    const { id, what, args } = message
    Promise.resolve()
      .then(() => answers[what]!(args))
      .then(
        value => process.send!({ id, value }),
        (error: Error) => process.send!({ id, error: error.message })
      )
  })
}
