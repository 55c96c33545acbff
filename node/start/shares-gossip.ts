import type { LinkedServices } from '../../transport/index.ts'
import type { HeardVerdict } from '../shares/index.ts'

/** Announcements of shared messages among the hubs of one federation. */
export const sharesTopic = (federation: string): string => `/omnigate/${federation}/mailbox/1`

type Gossip = LinkedServices['gossip']
type Validator = NonNullable<ReturnType<Gossip['topicValidators']['get']>>
interface Subscriptions {
  readonly detail: {
    readonly peerId: { toString(): string }
    readonly subscriptions: readonly { readonly topic: string; readonly subscribe: boolean }[]
  }
}
type Hear = (peer: string, data: Uint8Array) => HeardVerdict | Promise<HeardVerdict>
type Publish = (line: Uint8Array) => Promise<unknown>

/** Gossip as far as shares go: told when it opens and closes. */
export class SharesGossip {
  readonly #topic: string
  readonly #hear: Hear
  readonly #listening: (peer: string) => void
  #gossip: Gossip | undefined
  #unfollow = (): void => undefined

  /** `listening` is told of peers that hear announcements from now on. */
  constructor(federation: string, hear: Hear, listening: (peer: string) => void) {
    this.#topic = sharesTopic(federation)
    this.#hear = hear
    this.#listening = listening
  }

  opened({ gossip }: LinkedServices): void {
    if (this.#gossip === gossip) return
    this.#gossip = gossip
    const judge = (peer: { toString(): string }, { data }: { readonly data: Uint8Array }): ReturnType<Hear> =>
      this.#hear(peer.toString(), data)
    // The words are those of the enumeration, which is loaded with gossip and not before.
    gossip.topicValidators.set(this.#topic, judge as unknown as Validator)
    const onChange = ({ detail }: Subscriptions): void => {
      if (detail.subscriptions.some(({ topic, subscribe }) => topic === this.#topic && subscribe))
        this.#listening(detail.peerId.toString())
    }
    gossip.addEventListener('subscription-change', onChange)
    this.#unfollow = () => gossip.removeEventListener('subscription-change', onChange)
    gossip.subscribe(this.#topic)
  }

  closing(): void {
    this.#unfollow()
    this.#gossip = undefined
  }

  /** Sends to linked hubs; undefined while gossip is not open. */
  get publish(): Publish | undefined {
    const gossip = this.#gossip
    return gossip && (line => gossip.publish(this.#topic, line))
  }
}
