import type { MailboxStore, Place, StoredMessage, Topic } from '../stores/mailbox/types.ts'
import { FairTurns } from './fair-turns.ts'
import type { Leases } from './leases.ts'
import { topicKey } from './place.ts'
import type { Spot } from './place.ts'
import { TopicQueue } from './topic-queue.ts'
import type { Receiver } from './topic-queue.ts'

/** Reads of the store at a time. */
const READS_AT_ONCE = 4
/** Queues kept for topics that nobody receives from at the moment. */
const MOST_IDLE = 1024

export interface QueuesOptions {
  readonly store: Pick<MailboxStore, 'read'>
  readonly leases: Leases
  readonly isFresh: (message: StoredMessage) => boolean
  /** Bytes of messages read ahead, in all. */
  readonly readAheadBytes: number
}

/** The queues of the topics that are received from, or were just now. Others cost nothing. */
export class Queues {
  readonly #o: QueuesOptions
  readonly #turns = new FairTurns(READS_AT_ONCE)
  /** The one that was used longest ago first. */
  readonly #queues = new Map<string, TopicQueue>()
  #isEnded = false

  constructor(options: QueuesOptions) {
    this.#o = options
  }

  get receivers(): number {
    return [...this.#queues.values()].reduce((sum, queue) => sum + queue.receivers, 0)
  }

  get heldBytes(): number {
    return [...this.#queues.values()].reduce((sum, queue) => sum + queue.heldBytes, 0)
  }

  /** True while somebody waits for messages of the topic. */
  isAwaited(topic: Topic): boolean {
    return (this.#queues.get(topicKey(topic))?.receivers ?? 0) > 0
  }

  /** Puts a receiver in line for the topic. */
  add(topic: Topic, receiver: Receiver): void {
    if (this.#isEnded) return receiver.nothing()
    const key = topicKey(topic)
    const queue = this.#queues.get(key) ?? this.#make(topic)
    this.#queues.delete(key)
    this.#queues.set(key, queue)
    queue.add(receiver)
  }

  /** Takes a receiver out of line; false when it was served before. */
  drop(topic: Topic, receiver: Receiver): boolean {
    return this.#queues.get(topicKey(topic))?.drop(receiver) ?? false
  }

  /** A message became ready whose bytes are at hand, which are kept only where they are wanted. */
  added(topic: Topic, message: () => StoredMessage): void {
    this.#queues.get(topicKey(topic))?.added(message())
  }

  exposed(topic: Topic, spot: Spot): void {
    this.#queues.get(topicKey(topic))?.exposed(spot)
  }

  removed(place: Place): void {
    this.#queues.get(topicKey(place))?.removed(place)
  }

  /** Leases of the topic ended: others may be given. */
  serve(topic: Topic): void {
    this.#queues.get(topicKey(topic))?.serve()
  }

  /** Leases ended: whoever waits because there were too many in all may be served. */
  serveAll(): void {
    for (const queue of this.#queues.values()) if (queue.receivers > 0) queue.serve()
  }

  /** Keeps to the bounds; to be called a few times a second. */
  tidy(): void {
    let held = this.heldBytes
    for (const [key, queue] of this.#queues) {
      const isTooMany = this.#queues.size > MOST_IDLE
      if (held <= this.#o.readAheadBytes && !isTooMany) return
      held -= queue.heldBytes
      if (queue.isIdle) this.#queues.delete(key)
      queue.forget()
      if (queue.receivers > 0) queue.serve()
    }
  }

  /** Ends all waiting, with nothing or with an error; who comes later waits no more. */
  end(error?: unknown): void {
    this.#isEnded = true
    for (const queue of this.#queues.values()) queue.end(error)
  }

  #make(topic: Topic): TopicQueue {
    const { store, leases, isFresh } = this.#o
    return new TopicQueue(topic, {
      room: () => leases.room(topic),
      isLeased: id => leases.find(topic, id) !== undefined,
      isFresh,
      read: reading => store.read(topic, reading),
      inTurn: job => this.#turns.add(topic.tenant, job)
    })
  }
}
