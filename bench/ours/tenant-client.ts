import { echoService, mailboxService } from 'omnigate/protocols'
import { connect, type NodeConnection } from 'omnigate/sdk'
import type { CallCounts } from '../harness/call-counts.ts'

const TOPIC = 'bench/p15'
const WAIT_MS = 5000
const ECHO = { body: new Uint8Array(128).fill(7) }
const MESSAGE = { topic: TOPIC, body: new Uint8Array(256).fill(7) }

/** One connection of a tenant, whose calls are counted by how they were answered. */
export class TenantClient {
  readonly #connection: NodeConnection
  readonly #counts: CallCounts
  readonly #echo
  readonly #mailbox

  private constructor(connection: NodeConnection, counts: CallCounts) {
    this.#connection = connection
    this.#counts = counts
    this.#echo = connection.client(echoService)
    this.#mailbox = connection.client(mailboxService)
  }

  static async connect(address: string, cap: string, counts: CallCounts): Promise<TenantClient> {
    return new TenantClient(await connect(address, { encryption: ['noise'], cap }), counts)
  }

  async echo(): Promise<void> {
    await this.#counts.noted('echo', 'echo', this.#echo.echo(ECHO))
  }

  async send(): Promise<void> {
    await this.#counts.noted('mailbox', 'send', this.#mailbox.send(MESSAGE))
  }

  /** Sends a message, takes it back and acknowledges it. */
  async message(): Promise<void> {
    await this.send()
    const recv = this.#mailbox.recv({ topic: TOPIC, max: 1, wait_ms: WAIT_MS })
    const [taken] = (await this.#counts.noted('mailbox', 'recv', recv)).items
    if (taken === undefined) throw new Error(`a message did not come within ${WAIT_MS} ms`)
    const { msg_id, lease = '' } = taken
    await this.#counts.noted(
      'mailbox',
      'ack',
      this.#mailbox.ack({ topic: TOPIC, items: [{ msg_id, lease }] })
    )
  }

  async close(): Promise<void> {
    await this.#connection.close()
  }
}
