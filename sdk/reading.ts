import { typedError } from './errors.ts'
import { joined } from './in-time.ts'
import type { Joined } from './in-time.ts'

/** One call that streams, from its opening until it was read or left: it ends with the caller's signal, and the client's. */
export class Reading {
  /** Of the last attempt to open it. */
  corrId: bigint | undefined
  readonly #caller: AbortSignal | undefined
  readonly #over: Joined

  constructor(caller: AbortSignal | undefined, closing: AbortSignal) {
    this.#caller = caller
    this.#over = joined(caller, closing)
  }

  get signal(): AbortSignal {
    return this.#over.signal
  }

  /** To be called where nothing was opened. */
  release(): void {
    this.#over.release()
  }

  /** The same pieces; what ends them too soon comes in its class, with the call that it ended. */
  of<T>(pieces: AsyncIterable<T>): AsyncIterableIterator<T, void> {
    const iterator = pieces[Symbol.asyncIterator]()
    const reading: AsyncIterableIterator<T, void> = {
      next: async () => {
        try {
          const result = await iterator.next()
          if (result.done !== true) return result
        } catch (error) {
          this.release()
          throw this.#typed(error)
        }
        this.release()
        return { done: true, value: undefined }
      },
      return: async () => {
        this.release()
        await iterator.return?.()
        return { done: true, value: undefined }
      },
      [Symbol.asyncIterator]: () => reading
    }
    return reading
  }

  /** The reason of the caller's own signal is theirs, whatever it is. */
  #typed(error: unknown): unknown {
    return this.#caller?.aborted === true ? this.#caller.reason : typedError(error, this.corrId)
  }
}
