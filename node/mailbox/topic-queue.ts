import type { Reading, StoredMessage, Topic } from '../stores/mailbox/types.ts'
import { ReadyWindow } from './ready-window.ts'
import type { Ahead, First, WindowBounds } from './ready-window.ts'
import type { Spot } from './place.ts'

/** A receiver that stands in line; it hears one of these, once. */
export interface Receiver {
  readonly most: number
  readonly mostBytes: number
  /** Whether it stays in line while there is nothing for it. */
  readonly waits: boolean
  /** How many of the foremost messages it may be given now; with none it stays in line until its queue is served again. */
  admits?(messages: readonly StoredMessage[]): number
  /** Takes what it is given, at once: after this nobody else gets it. */
  give(messages: readonly StoredMessage[]): void
  /** There is nothing for it now. */
  nothing(): void
  /** Messages cannot be read. */
  fail(error: unknown): void
}

export function endOf(receiver: Receiver, error: unknown): void {
  if (error === undefined) receiver.nothing()
  else receiver.fail(error)
}

/** What a queue asks of its surroundings. */
export interface QueueOwner {
  /** How many more messages of this topic may be leased now. */
  room(): number
  /** Told that a receiver goes without for lack of room; is to serve the queue when there is some. */
  withoutRoom(): void
  /** Whether a message is leased or on its way out. */
  isTaken(id: string): boolean
  /** Of what is stored, what may still be delivered. */
  isFresh(message: StoredMessage): boolean
  read(reading: Reading): Promise<readonly StoredMessage[]>
  /** Runs the job when it is this topic's turn to read. */
  inTurn(job: () => Promise<void>): void
}

/** What came of a receiver's turn. */
type Turn = 'served' | 'refused' | 'empty' | 'later'

/** Reading a little more than is asked for spares the next receiver a read of its own. */
const LEAST_READ = 256
const MOST_READ = 512
const LEAST_READ_BYTES = 262_144

/**
 * The receivers of one topic, served in the order in which they came, and the messages read ahead for them. Messages of
 * this topic that become ready, or go, must be told.
 */
export class TopicQueue {
  readonly topic: Topic
  readonly #owner: QueueOwner
  readonly #window: ReadyWindow
  readonly #receivers = new Set<Receiver>()
  #isReading = false
  #isServing = false

  constructor(topic: Topic, owner: QueueOwner, bounds?: WindowBounds) {
    this.topic = topic
    this.#owner = owner
    this.#window = new ReadyWindow(bounds)
  }

  get receivers(): number {
    return this.#receivers.size
  }

  get heldBytes(): number {
    return this.#window.bytes
  }

  /** True when there is nothing that this queue would be needed for. */
  get isIdle(): boolean {
    return this.#receivers.size === 0 && !this.#isReading
  }

  get ahead(): Ahead {
    return this.#window.ahead
  }

  /** @see ReadyWindow.first */
  first(priority: number): First {
    return this.#window.first(priority)
  }

  /** Puts a receiver in line. It is given messages once, then it is out of the line. */
  add(receiver: Receiver): void {
    this.#receivers.add(receiver)
    this.serve()
  }

  /** Takes a receiver out of the line; false when it was given messages before. */
  drop(receiver: Receiver): boolean {
    return this.#receivers.delete(receiver)
  }

  /** A message became ready that is at hand whole. Who read the store may have been given it before this is told. */
  added(message: StoredMessage): void {
    if (this.#owner.isTaken(message.id)) return
    this.#window.add(message)
    this.serve()
  }

  /** A message became ready. */
  exposed(spot: Spot): void {
    this.#window.expose(spot)
    this.serve()
  }

  removed(spot: Spot): void {
    this.#window.remove(spot)
  }

  /** Gives the memory of what was read ahead back. */
  forget(): void {
    this.#window.clear()
  }

  /** Gives what there is to those who wait; to be called when leases ended, too. */
  serve(): void {
    if (this.#isServing) return
    this.#isServing = true
    try {
      let turn: Turn = 'served'
      for (const receiver of this.#receivers) {
        turn = this.#serveOne(receiver)
        if (turn === 'empty' || turn === 'later') break
      }
      if (turn === 'empty') this.#sendAway()
    } finally {
      this.#isServing = false
    }
  }

  /** Ends the waiting of all receivers, with nothing or with an error. */
  end(error?: unknown): void {
    for (const receiver of this.#receivers) {
      this.#receivers.delete(receiver)
      endOf(receiver, error)
    }
  }

  #sendAway(): void {
    for (const receiver of this.#receivers) {
      if (receiver.waits) continue
      this.#receivers.delete(receiver)
      receiver.nothing()
    }
  }

  #serveOne(receiver: Receiver): Turn {
    const window = this.#window
    for (;;) {
      const most = Math.min(receiver.most, this.#owner.room())
      if (most <= 0) {
        this.#owner.withoutRoom()
        return 'empty'
      }
      if (!window.isWhole && !window.fills(most, receiver.mostBytes)) {
        this.#readFor(receiver)
        return 'later'
      }
      if (window.length === 0) return 'empty'
      const messages = window.take(most, receiver.mostBytes).filter(message => this.#owner.isFresh(message))
      if (messages.length === 0) continue
      const admitted = receiver.admits?.(messages) ?? messages.length
      for (const message of messages.slice(admitted)) window.add(message)
      if (admitted === 0) return 'refused'
      this.#receivers.delete(receiver)
      receiver.give(messages.slice(0, admitted))
      return 'served'
    }
  }

  #readFor({ most, mostBytes }: Receiver): void {
    if (this.#isReading) return
    this.#isReading = true
    const reading = {
      limit: Math.min(MOST_READ, Math.max(LEAST_READ, most)),
      maxBytes: Math.max(LEAST_READ_BYTES, mostBytes)
    }
    this.#owner.inTurn(async () => {
      const { after } = this.#window.beginRead()
      let found: readonly StoredMessage[] | undefined
      try {
        found = await this.#owner.read({ ...reading, ...(after && { after }) })
      } catch (error) {
        this.end(error)
      }
      this.#window.endRead(found, id => this.#owner.isTaken(id))
      this.#isReading = false
      this.serve()
    })
  }
}
