import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import pino from 'pino'
import type * as omnigate from 'omnigate'

export const TOPIC = 'bench/all'
const SHARE = { id: '3e0b6f5c91d84a27b1c7a4d8e2f09563', name: 'bench' }
const UNBOUNDED = 1_000_000_000

/** What others have to know of a hub. */
export interface Met {
  readonly hub: string
  readonly address: string
}

/**
 * A hub of the built package, all of it in this process, on a data folder of its own. With every hub that it allows it shares
 * one topic, and relays what comes of others.
 */
export class SharingHub implements AsyncDisposable {
  readonly #omnigate: typeof omnigate
  readonly #node: omnigate.OmnigateNode
  readonly #data: string
  readonly operator: omnigate.AdminClient
  readonly tenant: string

  private constructor(
    its: { readonly library: typeof omnigate; readonly node: omnigate.OmnigateNode; readonly data: string },
    operator: omnigate.AdminClient,
    tenant: string
  ) {
    this.#omnigate = its.library
    this.#node = its.node
    this.#data = its.data
    this.operator = operator
    this.tenant = tenant
  }

  /**
   * `built` is the folder of the built package, `top` one for its data, whose maker removes it; `onLog` is told of each line
   * of the node's log.
   */
  static async start(
    built: string,
    top: string,
    onLog: (line: string) => void = () => undefined
  ): Promise<SharingHub> {
    const library = (await import(pathToFileURL(join(built, 'node/index.js')).href)) as typeof omnigate
    const flags = {
      'node.listen': ['/ip4/127.0.0.1/tcp/0'],
      'http.listen': '127.0.0.1:0',
      'quotas.tenantCallsPerSecond': UNBOUNDED,
      'quotas.tenantBurst': UNBOUNDED,
      'quotas.tenantBytesPerSecond': 2 ** 40,
      'mailbox.topicDepth': UNBOUNDED
    }
    const log = pino({ base: null }, { write: onLog })
    const data = join(await mkdtemp(join(top, 'hub-')), 'hub')
    const node = library.createNode(library.loadConfig({ flags }).config, {
      data,
      init: true,
      overrides: { log }
    })
    await node.start()
    const operator = await library.connectAdmin(data)
    const { id } = await operator.capabilities.tenant_show({ tenant: 'default' })
    return new SharingHub({ library, node, data }, operator, id)
  }

  get self(): Met {
    const { hub_id, addresses } = this.#node.status()
    return { hub: hub_id, address: addresses[0]! }
  }

  /** Allows a hub; it is dialled where `isDialled` says so. */
  async allow({ hub, address }: Met, isDialled: boolean): Promise<void> {
    const row = { share: SHARE, dir: 'both', tenant: this.tenant, topics: ['bench/**'], relay: true }
    const quotas = { calls_per_s: 100_000, bytes_per_s: 2 ** 30, streams: 64 }
    const body = Buffer.from(JSON.stringify({ rows: [row], verbs: ['echo:call'], quotas }))
    await this.operator.federation.peer_add({ hub, addresses: isDialled ? [address] : [], body })
  }

  /** Ends its link with a hub, and takes it off the list. */
  async forget(hub: string): Promise<void> {
    await this.operator.federation.peer_remove({ hub })
  }

  /** How many links are up. */
  async links(): Promise<number> {
    return (await this.operator.federation.federation_status({})).up
  }

  /** What its operator gives to those whose hubs have no link with this one: it says whose keys are its own. */
  async hubFile(): Promise<string> {
    const { formatHubFile, hubFileOf } = this.#omnigate
    return formatHubFile(await hubFileOf(this.#data, Date.now()))
  }

  async learn(hubFile: string): Promise<void> {
    await this.operator.federation.peer_import({ body: Buffer.from(hubFile) })
  }

  /** Resolves once the message would survive a power cut. */
  async send(body: Uint8Array, key: string): Promise<void> {
    await this.operator.mailbox.send({ topic: TOPIC, idem_key: key, body }, { tenant: this.tenant })
  }

  async sendBatch(bodies: readonly Uint8Array[]): Promise<void> {
    await this.operator.mailbox.send_batch(
      { topic: TOPIC, items: bodies.map(body => ({ body })) },
      { tenant: this.tenant }
    )
  }

  /** Messages that are here, of this hub and of others. */
  async depth(): Promise<number> {
    return (await this.operator.mailbox.stats({ topic: TOPIC }, { tenant: this.tenant })).depth
  }

  /** The text of its metrics. */
  async metrics(): Promise<string> {
    return await (await fetch(`${this.#node.status().http}/metrics`)).text()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.operator[Symbol.asyncDispose]()
    await this.#node.stop()
  }
}
