import { join } from 'node:path'
import { MeasuredNode } from '../faults/measured-node.ts'
import type { NodeReading } from '../faults/measured-node.ts'

/** How a life ends: asked to, or with `kill -9`. */
export type Ending = 'stop' | 'kill'

/** Keys are forgotten after so short a time that many windows of them pass in any run. */
const CONFIG = {
  'mailbox.idemWindowMs': 10_000,
  'mailbox.maxVisibilityMs': 10_000,
  'mailbox.visibilityMs': 5000
}

/** A node that keeps what it stores and its address over any number of lives. */
export class SoakNode implements AsyncDisposable {
  readonly #data: string
  readonly address: string
  #living: MeasuredNode

  private constructor(data: string, living: MeasuredNode) {
    this.#data = data
    this.#living = living
    this.address = living.address
  }

  /** `folder` must exist. */
  static async start(folder: string): Promise<SoakNode> {
    const data = join(folder, 'data')
    return new SoakNode(data, await MeasuredNode.start(CONFIG, { data }))
  }

  get pid(): number {
    return this.#living.pid
  }

  read(options: { readonly collect: boolean }): Promise<NodeReading> {
    return this.#living.read(options)
  }

  rest(options: { readonly withinMs: number }): Promise<NodeReading> {
    return this.#living.rest(options)
  }

  /** Resolves once it serves again, with what was wrong with the life that ended. */
  async restart(ending: Ending): Promise<readonly string[]> {
    const { strays } = await this.#living.read()
    const wrong = strays.map(stray => `node: ${stray}`)
    if (ending === 'kill') await this.#living.kill()
    else {
      const code = await this.#living.stop()
      if (code !== 0) wrong.push(`node: asked to stop, it ended with ${code ?? 'a signal'}`)
    }
    const [, listen = ''] = /^(\/ip4\/[^/]+\/tcp\/\d+)/.exec(this.address) ?? []
    this.#living = await MeasuredNode.start({ ...CONFIG, 'node.listen': [listen] }, { data: this.#data })
    if (this.#living.address !== this.address) wrong.push(`node: came back as ${this.#living.address}`)
    return wrong
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#living[Symbol.asyncDispose]()
  }
}
