import { cidText } from '../../protocols/index.ts'
import type { Cid } from '../../protocols/index.ts'
import type { BlockShelf } from './blob-provider.ts'

/** Blocks for readers that are ahead of the fetch: each waits until its block is here, or the fetch has ended. */
export class Arrivals {
  readonly #shelf: Pick<BlockShelf, 'get'>
  readonly #awaited = new Map<string, PromiseWithResolvers<Uint8Array>>()
  #isEnded = false
  #error: unknown

  constructor(shelf: Pick<BlockShelf, 'get'>) {
    this.#shelf = shelf
  }

  /** Undefined for a block that is not here although the fetch has all it wanted. Throws why the fetch failed. */
  async get(cid: Cid): Promise<Uint8Array | undefined> {
    // It waits before it looks: a block that arrives meanwhile is not missed.
    const coming = this.#isEnded ? undefined : this.#wait(cid)
    const here = await this.#shelf.get(cid)
    if (here !== undefined) return here
    if (this.#error !== undefined) throw this.#error
    return coming
  }

  came(cid: Cid, bytes: () => Uint8Array): void {
    if (this.#awaited.size === 0) return
    const text = cidText(cid)
    this.#awaited.get(text)?.resolve(bytes())
    this.#awaited.delete(text)
  }

  /** Nothing more comes; with an error, whoever waits hears of it. */
  end(error?: unknown): void {
    this.#isEnded = true
    this.#error = error
    for (const { reject } of this.#awaited.values()) reject(error)
    this.#awaited.clear()
  }

  #wait(cid: Cid): Promise<Uint8Array> {
    const text = cidText(cid)
    let awaited = this.#awaited.get(text)
    if (awaited === undefined) {
      awaited = Promise.withResolvers()
      awaited.promise.catch(() => undefined)
      this.#awaited.set(text, awaited)
    }
    return awaited.promise
  }
}
