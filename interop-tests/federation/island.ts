import { connectAdmin } from 'omnigate'
import type { AdminClient } from 'omnigate'
import { Hub } from '../links/hub.ts'

/** One message as its receiver has it: by whom it was sent, as which of that hub's. */
export interface Taken {
  readonly body: string
  readonly msgId: string
}

/** A hub in a process of its own that sends into a share and takes what comes there. */
export class Island implements AsyncDisposable {
  readonly name: string
  readonly hub: Hub
  readonly taken: Taken[] = []
  /** Bodies that its node has acknowledged. */
  readonly accepted: string[] = []
  #operator: AdminClient | undefined
  #tenant = ''
  #drawn = 0

  private constructor(name: string, hub: Hub) {
    this.name = name
    this.hub = hub
  }

  static async start(name: string): Promise<Island> {
    const island = new Island(name, await Hub.start())
    await island.#connect()
    return island
  }

  get tenant(): string {
    return this.#tenant
  }

  get operator(): AdminClient {
    if (this.#operator === undefined) throw new Error(`${this.name} is not running`)
    return this.#operator
  }

  /** Ends its node without a word, and starts it again on its folder. */
  async killed(): Promise<void> {
    await this.#operator?.[Symbol.asyncDispose]()
    this.#operator = undefined
    await this.hub.kill()
    await this.hub.run()
    await this.#connect()
  }

  /** Sends so many messages into the share; what is not acknowledged is sent again as the same one. */
  async send(topic: string, count: number): Promise<void> {
    for (let n = 0; n < count; n++) {
      const body = `${this.name} ${this.#drawn++}`
      await this.operator.mailbox.send(
        { topic, idem_key: body, body: Buffer.from(body) },
        { tenant: this.#tenant }
      )
      this.accepted.push(body)
    }
  }

  /** Takes what has come into a topic, and acknowledges it. */
  async take(topic: string): Promise<void> {
    for (;;) {
      const asked = { topic, max: 256, ack: 'auto' as const }
      const { items } = await this.operator.mailbox.recv(asked, { tenant: this.#tenant })
      for (const { msg_id, body = new Uint8Array() } of items)
        this.taken.push({ body: Buffer.from(body).toString(), msgId: msg_id })
      if (items.length === 0) return
    }
  }

  async #connect(): Promise<void> {
    this.#operator = await connectAdmin(this.hub.data)
    this.#tenant = (await this.#operator.capabilities.tenant_show({ tenant: 'default' })).id
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#operator?.[Symbol.asyncDispose]()
    await this.hub[Symbol.asyncDispose]()
  }
}
