import { Child } from '../harness/child.ts'
import type { BuiltNode } from './built-node.ts'
import type { Costs } from '../harness/costs.ts'
import type { Filling } from './mailbox-worker-child.ts'

const SCRIPT = new URL('./mailbox-worker-child.ts', import.meta.url)
const VERBS = ['send', 'recv', 'delete', 'peek', 'stats'].map(verb => `mailbox:${verb}`)
const FILL_MS = 600_000
const MARGIN_MS = 60_000

/** A client of a node's mailbox, with a process and a capability of its own. */
export class MailboxWorker implements AsyncDisposable {
  readonly #child: Child

  private constructor(child: Child) {
    this.#child = child
  }

  /** Resolves once it is connected. */
  static async start(node: BuiltNode): Promise<MailboxWorker> {
    const args = [node.address, await node.token(VERBS), String(node.pid)]
    const worker = new MailboxWorker(Child.start('mailbox worker', SCRIPT, args))
    try {
      await worker.#child.ask('ready')
      return worker
    } catch (error) {
      await worker[Symbol.asyncDispose]()
      throw error
    }
  }

  /** Leaves messages of 256 B on a topic. */
  async fill(topic: string, messages: number, { hasKeys = true } = {}): Promise<void> {
    const args: Filling = { topic, messages, hasKeys }
    const depth = await this.#child.ask<number>('fill', { args, withinMs: FILL_MS })
    if (depth !== messages) throw new Error(`${topic}: ${depth} messages instead of ${messages}`)
  }

  /** What operations on a topic cost that is in the end as deep as it was. */
  async cycles(topic: string, forMs: number): Promise<Costs> {
    return await this.#child.ask<Costs>('cycles', { args: { topic, forMs }, withinMs: forMs + MARGIN_MS })
  }

  /** Begins to load the node, until that dies or this ends. */
  async load(topic: string): Promise<void> {
    await this.#child.ask('load', { args: { topic } })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child.stop()
  }
}
