import { systemClock } from '../../dht/index.ts'
import type { BlobProvider, Clock, RoutedPeer } from '../../dht/index.ts'
import { OapError } from '../../protocols/index.ts'
import { dialable } from './dialable.ts'

/** A connection with a peer, and how it is asked. */
export interface Reached extends Pick<BlobProvider, 'get'> {
  readonly isOpen: () => boolean
  readonly close: () => void
}

export interface NamedPeersOptions {
  /** Multiaddrs of this node. */
  readonly own: () => readonly string[]
  /** Connects with whoever answers first; rejects with `signal`. */
  readonly dial: (addresses: readonly string[], signal: AbortSignal) => Promise<Reached>
  readonly clock?: Clock
}

interface Named {
  readonly reached: Promise<Reached>
  readonly close: () => void
  isOpen: () => boolean
  /** Questions that are open. */
  users: number
  cancelIdle: () => void
}

type Provider = Pick<BlobProvider, 'provider' | 'get'>
type Body = AsyncIterable<Uint8Array>

/** Peers that are connected or dialled at a time: one linked hub that names many costs no more than this. */
const MOST_NAMED = 16
const DIAL_MS = 5000
const IDLE_MS = 5000
const RETRY_MS = 1000

/**
 * Peers without a link that the DHT names: each is dialled when it is asked for a blob, for that alone and as anybody may
 * ask, and left soon after the last question. What they send is proved like all else, so that only where they are is
 * taken on trust.
 */
export class NamedPeers {
  readonly #options: NamedPeersOptions
  readonly #clock: Clock
  readonly #named = new Map<string, Named>()

  constructor(options: NamedPeersOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
  }

  /** Peers that are connected or dialled. */
  get size(): number {
    return this.#named.size
  }

  /** Undefined for a peer of whom no address may be dialled. */
  provider({ peer, addresses }: RoutedPeer): Provider | undefined {
    const places = dialable(peer, addresses, this.#options.own())
    if (places.length === 0) return undefined
    return {
      provider: peer,
      get: async (question, { signal }) => {
        const named = this.#use(peer, places)
        const leave = once(() => this.#leave(peer, named))
        signal.addEventListener('abort', leave, { once: true })
        try {
          const { get } = await within(signal, named.reached)
          const answer = await get(question, { signal })
          return { ...answer, body: leaving(answer.body, leave) }
        } catch (error) {
          leave()
          throw error
        }
      }
    }
  }

  /** Leaves all. */
  close(): void {
    for (const [peer, named] of this.#named) this.#end(peer, named)
  }

  #use(peer: string, places: readonly string[]): Named {
    const known = this.#named.get(peer)
    if (known !== undefined && !known.isOpen()) this.#end(peer, known)
    const named = this.#named.get(peer) ?? this.#dial(peer, places)
    named.cancelIdle()
    named.users++
    return named
  }

  /** @throws OapError `saturated` */
  #dial(peer: string, places: readonly string[]): Named {
    this.#makeRoom()
    const end = new AbortController()
    const cancel = this.#clock.after(DIAL_MS, () => end.abort(new Error('it was not reached in time')))
    const dialling = this.#options.dial(places, end.signal)
    // A dialler that ignores the signal is waited for no longer; what it brings late is not kept.
    const reached = within(end.signal, dialling).finally(cancel)
    const named: Named = {
      reached,
      close: () => {
        end.abort(new Error('it is left'))
        void dialling.then(connection => connection.close()).catch(() => undefined)
      },
      isOpen: () => true,
      users: 0,
      cancelIdle: () => undefined
    }
    this.#named.set(peer, named)
    reached.then(
      ({ isOpen }) => void (named.isOpen = isOpen),
      () => this.#end(peer, named)
    )
    return named
  }

  #makeRoom(): void {
    if (this.#named.size < MOST_NAMED) return
    for (const [peer, named] of this.#named) {
      if (named.users === 0) return this.#end(peer, named)
    }
    throw new OapError('saturated', `${MOST_NAMED} peers without a link are asked already`, {
      retryAfterMs: RETRY_MS
    })
  }

  #leave(peer: string, named: Named): void {
    if (--named.users > 0 || this.#named.get(peer) !== named) return
    named.cancelIdle = this.#clock.after(IDLE_MS, () => this.#end(peer, named))
  }

  #end(peer: string, named: Named): void {
    if (this.#named.get(peer) !== named) return
    this.#named.delete(peer)
    named.cancelIdle()
    named.close()
  }
}

function once(run: () => void): () => void {
  let isDone = false
  return () => {
    if (!isDone) run()
    isDone = true
  }
}

async function within<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const aborted = Promise.withResolvers<never>()
  const onAbort = (): void => aborted.reject(signal.reason)
  if (signal.aborted) onAbort()
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([work, aborted.promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/** Leaves with the end of the body, also where nobody has begun to read it. */
const leaving = (body: Body, leave: () => void): Body => ({
  [Symbol.asyncIterator]() {
    const inner = body[Symbol.asyncIterator]()
    return {
      async next() {
        try {
          const result = await inner.next()
          if (result.done === true) leave()
          return result
        } catch (error) {
          leave()
          throw error
        }
      },
      async return() {
        leave()
        await inner.return?.()
        return { done: true, value: undefined }
      }
    }
  }
})
