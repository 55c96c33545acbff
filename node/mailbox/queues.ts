import type { MailboxStore, Place, StoredMessage, Topic } from '../stores/mailbox/types.ts'
import { FairTurns } from './fair-turns.ts'
import type { Leases } from './leases.ts'
import { topicKey } from './place.ts'
import type { Spot } from './place.ts'
import type { Ahead, First } from './ready-window.ts'
import { TopicQueue, endOf } from './topic-queue.ts'
import type { Receiver } from './topic-queue.ts'

/** Reads of the store at a time. */
const READS_AT_ONCE = 4
/** Queues kept for topics that nobody receives from at the moment. */
const MOST_IDLE = 1024

const NOTHING_AHEAD: Ahead = { items: [], edge: undefined, isWhole: false }

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
  /** Those that have as many leases as there may be, or whose tenant or node has: who waits longest first. */
  readonly #withoutRoom = new Set<TopicQueue>()
  /** Places that are being taken away, and that nobody may be given meanwhile. */
  readonly #going = new Set<string>()
  #willServe = false
  #end: { readonly error: unknown } | undefined

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

  /** True while the topic is received from, or was just now. */
  has(topic: Topic): boolean {
    return this.#queues.has(topicKey(topic))
  }

  /** What was read ahead of a topic. */
  ahead(topic: Topic): Ahead {
    return this.#queues.get(topicKey(topic))?.ahead ?? NOTHING_AHEAD
  }

  /** What is known of the first message of a priority that is neither leased nor going. */
  first(topic: Topic, priority: number): First {
    return this.#queues.get(topicKey(topic))?.first(priority) ?? { is: 'behind', after: undefined }
  }

  /** Puts a receiver in line for the topic. */
  add(topic: Topic, receiver: Receiver): void {
    if (this.#end !== undefined) return endOf(receiver, this.#end.error)
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

  /** Nobody is given these until they are gone, or `stayed`. */
  going(places: readonly Place[]): void {
    for (const place of places) {
      this.#going.add(goingKey(place, place.id))
      this.removed(place)
    }
  }

  gone(places: readonly Place[]): void {
    for (const place of places) {
      this.#going.delete(goingKey(place, place.id))
      // A read that began before may still see it.
      this.removed(place)
    }
  }

  stayed(places: readonly Place[]): void {
    for (const place of places) this.#going.delete(goingKey(place, place.id))
    for (const place of places) this.exposed(place, place)
  }

  /** All messages of the topic went, or may have. */
  forget(topic: Topic): void {
    this.#queues.get(topicKey(topic))?.forget()
  }

  /** A receiver of the topic may be given more than before. */
  serve(topic: Topic): void {
    this.#queues.get(topicKey(topic))?.serve()
  }

  /** A lease ended: those who wait because there were too many are served in turn, once what goes on now is over. */
  roomMade(): void {
    if (this.#willServe || this.#withoutRoom.size === 0) return
    this.#willServe = true
    queueMicrotask(() => {
      this.#willServe = false
      // One that finds no room again stands last.
      for (const queue of this.#withoutRoom)
        if (this.#o.leases.room(queue.topic) > 0) {
          this.#withoutRoom.delete(queue)
          queue.serve()
        }
    })
  }

  /** Keeps to the bounds; to be called a few times a second. */
  tidy(): void {
    let held = this.heldBytes
    let idle = [...this.#queues.values()].filter(({ isIdle }) => isIdle).length
    for (const [key, queue] of this.#queues) {
      const isOver = held > this.#o.readAheadBytes
      if (!isOver && idle <= MOST_IDLE) return
      if (queue.isIdle) {
        this.#queues.delete(key)
        this.#withoutRoom.delete(queue)
        idle--
      } else if (!isOver || queue.heldBytes === 0) continue
      held -= queue.heldBytes
      queue.forget()
      if (queue.receivers > 0) queue.serve()
    }
  }

  /** Ends all waiting, with nothing or with an error; who comes later waits no more. */
  end(error?: unknown): void {
    this.#end ??= { error }
    this.#withoutRoom.clear()
    for (const queue of this.#queues.values()) queue.end(error)
  }

  #make(topic: Topic): TopicQueue {
    const { store, leases, isFresh } = this.#o
    const queue: TopicQueue = new TopicQueue(topic, {
      room: () => leases.room(topic),
      withoutRoom: () => this.#withoutRoom.add(queue),
      isTaken: id => leases.find(topic, id) !== undefined || this.#going.has(goingKey(topic, id)),
      isFresh,
      read: reading => store.read(topic, reading),
      inTurn: job => this.#turns.add(topic.tenant, job)
    })
    return queue
  }
}

const goingKey = (topic: Topic, id: string): string => `${topicKey(topic)}\n${id}`
