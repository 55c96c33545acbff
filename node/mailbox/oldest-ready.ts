import type { MailboxStore, StoredMessage, Topic } from '../stores/mailbox/types.ts'

const PRIORITIES = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
/** Read of each priority at a time; there are ten. */
const READ_BYTES = 256 * 1024

export interface OldestPage {
  readonly messages: readonly StoredMessage[]
  /** Of all that was read for it. */
  readonly bytes: number
}

/** Reads the ready messages of a topic by age, whatever their priority. */
export class OldestReady {
  readonly #store: Pick<MailboxStore, 'counts' | 'read'>
  readonly #topic: Topic
  readonly #after = new Map<number, StoredMessage>()

  constructor(store: Pick<MailboxStore, 'counts' | 'read'>, topic: Topic) {
    this.#store = store
    this.#topic = topic
  }

  /** Those that follow, at most `most` of 1 to 1024; none at the end. */
  async next(most: number): Promise<OldestPage> {
    const { byPriority } = this.#store.counts(this.#topic)
    const present = PRIORITIES.filter(priority => byPriority[priority]! > 0)
    const pages = await Promise.all(present.map(priority => this.#read(priority, most)))
    const read = pages.flat()
    // Behind the end of a page there may be messages that are older than some of another page.
    const ends = pages.flatMap(page => page.at(-1)?.id ?? [])
    const messages = read
      .filter(({ id }) => ends.every(end => id <= end))
      .sort((a, b) => (a.id < b.id ? -1 : 1))
      .slice(0, most)
    for (const message of messages) this.#after.set(message.priority, message)
    return { messages, bytes: read.reduce((sum, { bytes }) => sum + bytes, 0) }
  }

  #read(priority: number, limit: number): Promise<readonly StoredMessage[]> {
    const after = this.#after.get(priority)
    return this.#store.read(this.#topic, {
      priority,
      limit,
      maxBytes: READ_BYTES,
      ...(after && { after })
    })
  }
}
