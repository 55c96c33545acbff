import { NotFoundError } from '@libp2p/interface'
import type { KadDHTComponents } from '@libp2p/kad-dht'

type Datastore = KadDHTComponents['datastore']
type Key = Parameters<Datastore['put']>[0]

/** Where the DHT keeps its records. */
export const DHT_PREFIX = '/dht'

export interface RecordBounds {
  /** Providers that one peer may tell of; this node itself may tell of any number. */
  readonly maxProvidedByPeer: number
  /** Records of all other peers together. */
  readonly maxRecords: number
  readonly maxRecordBytes: number
  /** Characters of the name that a record lies under. */
  readonly maxNameLength: number
}

export const RECORD_BOUNDS: RecordBounds = {
  maxProvidedByPeer: 1000,
  maxRecords: 20_000,
  maxRecordBytes: 16_384,
  maxNameLength: 256
}

interface Entry {
  readonly key: Key
  readonly value: Uint8Array
  /** Who provides; undefined for a value. */
  readonly provider: string | undefined
}

/**
 * What the DHT keeps: in memory, nothing survives a restart. Linked peers may fill it up to its bounds, and what is over
 * them is refused. Of providers it names those that can be reached at the moment, and the others again when they are back.
 */
export class LinkedRecords {
  readonly #prefix: string
  readonly #self: string
  readonly #isReachable: (peer: string) => boolean
  readonly #bounds: RecordBounds
  readonly #entries = new Map<string, Entry>()
  readonly #provided = new Map<string, number>()
  #foreign = 0

  /** Providers lie under `prefix`/provider/ID/PEER. */
  constructor(
    prefix: string,
    self: string,
    isReachable: (peer: string) => boolean,
    bounds: Partial<RecordBounds> = {}
  ) {
    this.#prefix = `${prefix}/provider/`
    this.#self = self
    this.#isReachable = isReachable
    this.#bounds = { ...RECORD_BOUNDS, ...bounds }
  }

  get size(): number {
    return this.#entries.size
  }

  /** @throws when a bound is reached; what is there already can be replaced. */
  async put(key: Key, value: Uint8Array): Promise<Key> {
    const name = key.toString()
    const provider = this.#providerOf(name)
    if (name.length > this.#bounds.maxNameLength) throw new Error('a record whose key is too long')
    if (value.byteLength > this.#bounds.maxRecordBytes)
      throw new Error(`a record of ${value.byteLength} bytes`)
    if (!this.#entries.has(name) && provider !== this.#self) this.#count(provider)
    this.#entries.set(name, { key, value, provider })
    return key
  }

  async get(key: Key): Promise<Uint8Array> {
    const entry = this.#entries.get(key.toString())
    if (entry === undefined) throw new NotFoundError('no such record')
    return entry.value
  }

  async has(key: Key): Promise<boolean> {
    return this.#entries.has(key.toString())
  }

  async delete(key: Key): Promise<void> {
    const entry = this.#entries.get(key.toString())
    if (entry === undefined) return
    this.#entries.delete(key.toString())
    if (entry.provider !== this.#self) this.#uncount(entry.provider)
  }

  async *query({
    prefix = ''
  }: Parameters<Datastore['query']>[0]): AsyncGenerator<Pick<Entry, 'key' | 'value'>> {
    const isLookup = prefix.startsWith(this.#prefix)
    for (const [name, { key, value, provider }] of this.#entries) {
      if (!name.startsWith(prefix)) continue
      if (isLookup && provider !== this.#self && !this.#isReachable(provider ?? '')) continue
      yield { key, value }
    }
  }

  #count(provider: string | undefined): void {
    const provided = this.#provided.get(provider ?? '') ?? 0
    if (this.#foreign >= this.#bounds.maxRecords) throw new Error('the DHT keeps as many records as it may')
    if (provider !== undefined && provided >= this.#bounds.maxProvidedByPeer) {
      throw new Error('the peer provides as much as it may')
    }
    this.#foreign++
    if (provider !== undefined) this.#provided.set(provider, provided + 1)
  }

  #uncount(provider: string | undefined): void {
    this.#foreign--
    if (provider === undefined) return
    const left = this.#provided.get(provider)! - 1
    if (left > 0) this.#provided.set(provider, left)
    else this.#provided.delete(provider)
  }

  #providerOf(name: string): string | undefined {
    return name.startsWith(this.#prefix) ? name.slice(name.lastIndexOf('/') + 1) : undefined
  }
}
