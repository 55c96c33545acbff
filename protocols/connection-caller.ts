import type { ByteStream } from './byte-stream.ts'
import { client } from './client.ts'
import type { Caller, Client } from './client.ts'
import { ClientSession } from './client-session.ts'
import type { InboundBudget } from './frame-stream.ts'
import { DEFAULT_LIMITS, agree, checkVersion } from './hello.ts'
import type { Hello, HelloRequest, Limits } from './hello.ts'
import type { Platform } from './platform.ts'
import type { Operations, ServiceTable } from './service.ts'
import { StreamPlaces } from './stream-places.ts'

/** A session that rested this long may be gone at the other side: calls get a new stream. */
const MAX_REST_MS = 50_000
/** A session on which nothing was sent for so long is ended: the other side waits 5 s for a first frame, then refuses it. */
const MAX_UNUSED_MS = 3000

/** A node of ours takes 256 streams of a connection; some are for the shared session and for libp2p itself. */
const MAX_OWN_STREAMS = 240

/** A client holds no more than its sessions' own bounds allow. */
const sessionBoundsOnly: InboundBudget = {
  isSpent: false,
  reserve: () => true,
  hold() {},
  release() {},
  onRoom() {}
}

export interface ConnectionCallerOptions {
  readonly platform: Platform
  /** Opens one more stream for `/oap/1.0.0`. */
  readonly openStream: () => Promise<ByteStream>
  /** Calls with a stream of their own at once; further ones wait. Default 240. */
  readonly maxOwnStreams?: number
  readonly hello?: HelloRequest
  /** The capability of calls that bring none of their own; asked for each call. */
  readonly cap?: (() => Uint8Array | undefined) | undefined
}

/**
 * Calls over one connection: unary ones share a long-lived session, streamed ones get a stream each, and wait for it where
 * too many are open, no longer than their deadline.
 * A HELLO is sent once, when it is asked for. What it states holds for every later frame, the answer from its arrival.
 */
export class ConnectionCaller implements Caller {
  readonly #o: ConnectionCallerOptions
  readonly #places: StreamPlaces
  #limits: Limits = DEFAULT_LIMITS
  #mayCompress = true
  #session: ClientSession | undefined
  #opening: Promise<ClientSession> | undefined
  #hello: Promise<Hello> | undefined

  constructor(options: ConnectionCallerOptions) {
    this.#o = options
    this.#places = new StreamPlaces(options.maxOwnStreams ?? MAX_OWN_STREAMS)
  }

  client<O extends Operations>(table: ServiceTable<O>): Client<O> {
    return client(table, this)
  }

  /** The other side's HELLO; asked once and kept. Throws `bad_version` when it does not speak OAP/1. */
  hello(): Promise<Hello> {
    this.#hello ??= this.#askHello().catch((error: unknown) => {
      this.#hello = undefined
      throw error
    })
    return this.#hello
  }

  async #askHello(): Promise<Hello> {
    const session = await this.shared()
    const asked = this.#o.hello ?? {}
    this.#limits = agree(this.#limits, asked)
    const hello = await session.hello(asked)
    checkVersion(hello)
    this.#limits = agree(this.#limits, { max_frame: hello.maxFrameBytes, max_inflight: hello.maxInflight })
    this.#mayCompress = hello.supportsCompression
    return hello
  }

  shared(): ClientSession | Promise<ClientSession> {
    const session = this.#session
    if (session?.isUsable === true && !this.#isRested(session)) return session
    this.#opening ??= this.#openShared().finally(() => (this.#opening = undefined))
    return this.#opening
  }

  async own(signal?: AbortSignal): Promise<ClientSession> {
    const give = await this.#places.take(signal)
    try {
      return await this.#open(true, give)
    } catch (error) {
      give()
      throw error
    }
  }

  /** Ends the shared session once its calls have their answers. */
  async end(): Promise<void> {
    await this.#session?.end()
  }

  #isRested(session: ClientSession): boolean {
    const most = session.isUnused ? MAX_UNUSED_MS : MAX_REST_MS
    return session.callsOpen() === 0 && this.#o.platform.now() - session.usedAt > most
  }

  async #openShared(): Promise<ClientSession> {
    const rested = this.#session
    const { platform } = this.#o
    const timers: unknown[] = []
    const session = await this.#open(false, () => timers.forEach(timer => platform.clearTimer(timer)))
    this.#session = session
    void rested?.end()
    const endUnused = (): void => {
      if (session.isUnused) void session.end()
    }
    timers.push(platform.setTimer(endUnused, MAX_UNUSED_MS))
    return session
  }

  async #open(isOwn: boolean, onGone?: () => void): Promise<ClientSession> {
    const stream = await this.#o.openStream()
    return new ClientSession(stream, {
      platform: this.#o.platform,
      budget: sessionBoundsOnly,
      limits: () => this.#limits,
      mayCompress: () => this.#mayCompress,
      cap: this.#o.cap,
      isOwn,
      ...(onGone && { onGone })
    })
  }
}
