import { generateKeyPair } from '@libp2p/crypto/keys'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import type { Connection, Ed25519PrivateKey, Libp2p } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { linkOf, rawYamux } from './yamux-link.ts'
import type { YamuxLink } from './yamux-link.ts'
import type { RawStream } from './raw-stream.ts'

const DIAL_MS = 30_000

/** Opens connections from chosen loopback addresses, as many as it likes, all with one identity. */
export class Attacker implements AsyncDisposable {
  readonly #node: Libp2p
  readonly #key: Ed25519PrivateKey
  readonly target: string
  readonly #target: Multiaddr
  readonly #connections: Connection[] = []
  /** When it came into being, in Unix seconds. */
  readonly sinceS = Math.floor(Date.now() / 1000)

  private constructor(node: Libp2p, key: Ed25519PrivateKey, target: string) {
    this.#node = node
    this.#key = key
    this.target = target
    this.#target = multiaddr(target)
  }

  static async create(target: string): Promise<Attacker> {
    const privateKey = await generateKeyPair('Ed25519')
    const node = await createLibp2p({
      privateKey,
      addresses: { listen: [] },
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [rawYamux()],
      connectionMonitor: { enabled: false },
      connectionManager: { maxConnections: 5000, reconnectRetries: 0 }
    })
    return new Attacker(node, privateKey, target)
  }

  /** Its one peer id. */
  get peer(): string {
    return this.#node.peerId.toString()
  }

  get publicKey(): Uint8Array {
    return this.#key.publicKey.raw
  }

  /** With the key of its peer id. */
  async sign(bytes: Uint8Array): Promise<Uint8Array> {
    return this.#key.sign(bytes)
  }

  /** One more connection from `from`. Rejects when the node refuses it. */
  async connect(from: string): Promise<YamuxLink> {
    // The transport keeps listening to the signal when it has dialled.
    const late = new AbortController()
    const timer = setTimeout(() => late.abort(), DIAL_MS)
    const connection = await dialerOf(this.#node)
      .dial(this.#target, { signal: late.signal, localAddress: from })
      .finally(() => clearTimeout(timer))
    this.#connections.push(connection)
    const link = linkOf(connection)
    await link.answers()
    return link
  }

  /** A stream on a connection of its own, negotiated for OAP. */
  async stream(from: string): Promise<RawStream> {
    const link = await this.connect(from)
    return link.open().negotiate().ready()
  }

  /** Drops every connection without a word. */
  leave(): void {
    for (const connection of this.#connections.splice(0)) connection.abort(new Error('left'))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.leave()
    await this.#node.stop()
  }
}

interface RawDialer {
  dial(target: Multiaddr, options: object): Promise<Connection>
}

/** The dial queue would join dials to one address, and forbids to say where they come from. */
const dialerOf = (node: Libp2p): RawDialer =>
  (node as unknown as { readonly components: { readonly transportManager: RawDialer } }).components
    .transportManager
