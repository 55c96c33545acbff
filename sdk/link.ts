import type { Libp2p } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { OapError, callable } from '../protocols/index.ts'
import type { Caller, ClientSession, ConnectionCaller, Hello, Method, Operation } from '../protocols/index.ts'
import { ConnectError } from './connect-error.ts'
import { dial } from './dial.ts'
import type { DialOptions, Dialled } from './dial.ts'
import { hangUp } from './hang-up.ts'
import { unlessAborted } from './unless-aborted.ts'
import type { Wire } from './wire.ts'

/** One address of a hub, as it was written and as libp2p takes it. */
export interface Target {
  readonly address: string
  readonly target: Multiaddr
}

/**
 * The connection to a hub: dialled when a call needs it and none is open, at the address that worked last, else at the
 * next. Calls that come meanwhile share the dialling.
 */
export class Link implements Caller, Wire {
  readonly #dialer: Libp2p
  readonly #targets: readonly Target[]
  readonly #options: Omit<DialOptions, 'signal'>
  readonly #closing = new AbortController()
  #at = 0
  #current: Dialled | undefined
  #dialling: Promise<Dialled> | undefined
  #opening: Promise<ClientSession> | undefined

  constructor(dialer: Libp2p, targets: readonly Target[], options: Omit<DialOptions, 'signal'>) {
    this.#dialer = dialer
    this.#targets = targets
    this.#options = options
  }

  get self(): string {
    return this.#dialer.peerId.toString()
  }

  /** Aborts when this is closed: whoever waits for anything of it need not wait on. */
  get closing(): AbortSignal {
    return this.#closing.signal
  }

  method<O extends Operation>(app: number, op: string, row: O): Method<O> {
    return callable(app, op, row, this)
  }

  async hello(): Promise<Hello> {
    return (await this.connected()).caller.hello()
  }

  /** While a connection is dialled, everyone gets the same promise. */
  shared(): ClientSession | Promise<ClientSession> {
    const open = this.#open
    if (open !== undefined) return open.caller.shared()
    this.#opening ??= this.#caller()
      .then(caller => caller.shared())
      .finally(() => (this.#opening = undefined))
    return this.#opening
  }

  async own(signal?: AbortSignal): Promise<ClientSession> {
    return (await this.#caller()).own(signal)
  }

  /** What is connected now, after dialling if need be. @throws ConnectError */
  async connected(signal?: AbortSignal): Promise<Dialled> {
    return this.#open ?? unlessAborted(this.#dialOnce(), signal)
  }

  async close(): Promise<void> {
    this.#closing.abort(
      new OapError('upstream', 'the client was closed', { reason: 'closed', retryable: false })
    )
    await this.#dialling?.catch(() => undefined)
    if (this.#current !== undefined) await hangUp(this.#current)
    await this.#dialer.stop()
  }

  get #open(): Dialled | undefined {
    this.#closing.signal.throwIfAborted()
    return this.#current?.connection.status === 'open' ? this.#current : undefined
  }

  async #caller(): Promise<ConnectionCaller> {
    return (await this.connected()).caller
  }

  #dialOnce(): Promise<Dialled> {
    this.#dialling ??= this.#dialAny().finally(() => (this.#dialling = undefined))
    return this.#dialling
  }

  async #dialAny(): Promise<Dialled> {
    const { signal } = this.#closing
    let failure: unknown
    for (const _ of this.#targets) {
      const { address, target } = this.#targets[this.#at]!
      try {
        this.#current = await dial(this.#dialer, address, target, { ...this.#options, signal })
        return this.#current
      } catch (error) {
        if (!(error instanceof ConnectError)) throw error
        // What may pass by itself says more than an address that will never do.
        if (failure === undefined || error.code === 'unreachable') failure = error
        this.#at = (this.#at + 1) % this.#targets.length
      }
    }
    throw failure
  }
}
