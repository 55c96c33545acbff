import { NotFoundError } from '@libp2p/interface'
import type { KadDHTComponents } from '@libp2p/kad-dht'
import type { AbstractLevel } from 'abstract-level'

type Datastore = KadDHTComponents['datastore']
type Key = Parameters<Datastore['put']>[0]
/** Ordered keys and bytes. */
type Level = AbstractLevel<string | Buffer | Uint8Array, string, Uint8Array>

export interface RecordBounds {
  /** Blobs that one peer may say to have; this node itself may say so of any number. */
  readonly maxProvidedByPeer: number
  /** Records of all other peers together. */
  readonly maxRecords: number
  readonly maxRecordBytes: number
  /** Who has a blob is forgotten so long after the last time it was said. */
  readonly validityMs: number
}

export const RECORD_BOUNDS: RecordBounds = {
  maxProvidedByPeer: 100_000,
  maxRecords: 300_000,
  maxRecordBytes: 16_384,
  validityMs: 24 * 3_600_000
}

export interface RecordsOptions {
  /** Providers lie under `prefix`/provider/ID/PEER. */
  readonly prefix: string
  /** The peer id of this node. */
  readonly self: string
  /** Providers that cannot be reached at the moment are not named. */
  readonly isReachable: (peer: string) => boolean
  readonly bounds?: Partial<RecordBounds>
  /** Unix ms. */
  readonly wallMs?: () => number
}

const TIME_BYTES = 8
/** A multihash of SHA-256, 12 20 and the digest, in base 32; and the peer. */
const ROOT_AND_PEER = /^ciq[a-z2-7]{52}\/[^/]{1,128}$/
/** Of a value. */
const MOST_NAME = 256
/** Behind every name that begins with what stands before it. */
const LAST = '\uffff'

/**
 * What kad-dht keeps, over restarts: who has which blob, and values. Linked peers may fill it up to its bounds; what is over
 * them is refused. The last minutes may be lost with a power cut. Whoever can write to the store can have this node name
 * providers that have nothing: what they send is proved all the same.
 */
export class DhtRecords {
  readonly #rows: Rows
  readonly #options: RecordsOptions
  readonly #bounds: RecordBounds
  readonly #wallMs: () => number
  readonly #provided = new Map<string, number>()
  #foreign = 0
  /** Writes, one after the other: a bound holds for all of them. */
  #last: Promise<unknown> = Promise.resolve()

  private constructor(level: Level, options: RecordsOptions) {
    this.#rows = rowsOf(level)
    this.#options = { ...options, prefix: `${options.prefix}/provider/` }
    this.#bounds = { ...RECORD_BOUNDS, ...options.bounds }
    this.#wallMs = options.wallMs ?? Date.now
  }

  static async open(level: Level, options: RecordsOptions): Promise<DhtRecords> {
    const records = new DhtRecords(level, options)
    for await (const name of records.#rows.keys()) records.#count(records.#providerOf(name), 1)
    return records
  }

  /** Records of others. */
  get size(): number {
    return this.#foreign
  }

  /** @throws when a bound is reached, or the key is of no blob; what is there already can be replaced. */
  async put(key: Key, value: Uint8Array): Promise<Key> {
    const name = key.toString()
    this.#checkName(name)
    if (value.byteLength > this.#bounds.maxRecordBytes)
      throw new Error(`a record of ${value.byteLength} bytes`)
    await this.#inTurn(async () => {
      const isNew = (await this.#rows.get(name)) === undefined
      if (isNew) this.#count(this.#providerOf(name), 1, { isChecked: true })
      await this.#rows.put(name, withTime(value, this.#wallMs()))
    })
    return key
  }

  async get(key: Key): Promise<Uint8Array> {
    const row = await this.#rows.get(key.toString())
    if (row === undefined || row.length < TIME_BYTES) throw new NotFoundError('no such record')
    return row.subarray(TIME_BYTES)
  }

  async has(key: Key): Promise<boolean> {
    return (await this.#rows.get(key.toString())) !== undefined
  }

  async delete(key: Key): Promise<void> {
    await this.#delete(key.toString())
  }

  /** Records whose name begins so; who said long ago to have something is forgotten on the way. */
  async *query({
    prefix = ''
  }: Parameters<Datastore['query']>[0]): AsyncGenerator<{ readonly key: Key; readonly value: Uint8Array }> {
    const isLookup = prefix.startsWith(this.#options.prefix)
    for await (const [name, row] of this.#rows.iterator({ gte: prefix, lt: prefix + LAST })) {
      const provider = this.#providerOf(name)
      if (provider !== undefined && this.#isOver(row)) {
        await this.#delete(name)
        continue
      }
      if (isLookup && provider !== this.#options.self && !this.#options.isReachable(provider ?? '')) continue
      yield { key: keyOf(name), value: row.subarray(TIME_BYTES) }
    }
  }

  #isOver(row: Uint8Array): boolean {
    if (row.length < TIME_BYTES) return true
    const atMs = new DataView(row.buffer, row.byteOffset, row.byteLength).getFloat64(0)
    return !(atMs + this.#bounds.validityMs > this.#wallMs())
  }

  #delete(name: string): Promise<void> {
    return this.#inTurn(async () => {
      if ((await this.#rows.get(name)) === undefined) return
      await this.#rows.del(name)
      this.#count(this.#providerOf(name), -1)
    })
  }

  #checkName(name: string): void {
    const { prefix } = this.#options
    const isGood = name.startsWith(prefix)
      ? ROOT_AND_PEER.test(name.slice(prefix.length))
      : name.length <= MOST_NAME
    if (!isGood) throw new Error('a record of no blob')
  }

  #count(provider: string | undefined, by: 1 | -1, { isChecked = false } = {}): void {
    if (provider === this.#options.self) return
    const provided = provider === undefined ? 0 : (this.#provided.get(provider) ?? 0)
    if (isChecked && this.#foreign >= this.#bounds.maxRecords)
      throw new Error('the DHT keeps as many records as it may')
    if (isChecked && provided >= this.#bounds.maxProvidedByPeer)
      throw new Error('the peer provides as much as it may')
    this.#foreign += by
    if (provider === undefined) return
    if (provided + by > 0) this.#provided.set(provider, provided + by)
    else this.#provided.delete(provider)
  }

  /** Undefined for a value. */
  #providerOf(name: string): string | undefined {
    return name.startsWith(this.#options.prefix) ? name.slice(name.lastIndexOf('/') + 1) : undefined
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#last.then(work)
    this.#last = next.catch(() => undefined)
    return next
  }
}

type Rows = ReturnType<typeof rowsOf>

const rowsOf = (level: Level) =>
  level.sublevel<string, Uint8Array>('dht-records', { keyEncoding: 'utf8', valueEncoding: 'view' })

function withTime(value: Uint8Array, atMs: number): Uint8Array {
  const row = new Uint8Array(TIME_BYTES + value.length)
  new DataView(row.buffer).setFloat64(0, atMs)
  row.set(value, TIME_BYTES)
  return row
}

/** All that kad-dht does with a key is to read its name. */
const keyOf = (name: string): Key => ({ toString: () => name }) as Key
