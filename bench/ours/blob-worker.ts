import { Child } from '../harness/child.ts'
import type { Costs } from '../harness/costs.ts'
import type { BuiltNode } from './built-node.ts'

const SCRIPT = new URL('./blob-worker-child.ts', import.meta.url)
const VERBS = ['put', 'get', 'has', 'list', 'stat', 'delete'].map(verb => `storage:${verb}`)
const LONG_MS = 3_600_000
const MARGIN_MS = 120_000

/** A client of a node's storage, with a process and a capability of its own. */
export class BlobWorker implements AsyncDisposable {
  readonly #child: Child

  private constructor(child: Child) {
    this.#child = child
  }

  /** Resolves once it is connected. */
  static async start(node: BuiltNode): Promise<BlobWorker> {
    const args = [node.address, await node.token(VERBS), String(node.pid)]
    const worker = new BlobWorker(Child.start('blob worker', SCRIPT, args))
    try {
      await worker.#child.ask('ready')
      return worker
    } catch (error) {
      await worker[Symbol.asyncDispose]()
      throw error
    }
  }

  /** Leaves so many blobs of 1 KiB. */
  async fill(blobs: number): Promise<void> {
    const found = await this.#child.ask<number>('fill', { args: { blobs }, withinMs: LONG_MS })
    if (found !== blobs) throw new Error(`${found} blobs instead of ${blobs}`)
  }

  /** What operations cost while there stay as many blobs. */
  async cycles(forMs: number): Promise<Costs> {
    return await this.#child.ask<Costs>('cycles', { args: { forMs }, withinMs: forMs + MARGIN_MS })
  }

  async put(bytes: number): Promise<string> {
    return await this.#child.ask<string>('put', { args: { bytes }, withinMs: LONG_MS })
  }

  /** Yields how many bytes came. */
  async get(cid: string): Promise<number> {
    return await this.#child.ask<number>('get', { args: { cid }, withinMs: LONG_MS })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child.stop()
  }
}
