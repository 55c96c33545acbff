import { nameOf } from './keys.ts'
import { bytesOf, depthOf } from './tallies.ts'
import type { Tallies } from './tallies.ts'
import type { Bounds, Counts, NewMessage, Outcome, TopicCounts } from './types.ts'

/** What a record costs beside its meta and body, about. */
export const RECORD_OVERHEAD_BYTES = 96

/** What a message will count for, about. */
export const sizeOf = ({ meta, body }: Pick<NewMessage, 'meta' | 'body'>): number =>
  meta.length + body.length + RECORD_OVERHEAD_BYTES

const FULL_TOPIC: Outcome = { is: 'full', of: 'topic' }
const FULL_TOPIC_BYTES: Outcome = { is: 'full', of: 'topic_bytes' }
const FULL_TENANT: Outcome = { is: 'full', of: 'tenant' }

/** Which bound a message would break that is added to these counts. */
export function fullOf(
  topic: TopicCounts,
  tenant: Counts,
  bytes: number,
  { depth, topicBytes = Infinity, tenantBytes }: Bounds
): Outcome['of'] {
  if (topic.ready.messages + topic.delayed.messages + 1 > depth) return 'topic'
  if (topic.ready.bytes + topic.delayed.bytes + bytes > topicBytes) return 'topic_bytes'
  const held = tenant.ready.bytes + tenant.delayed.bytes + tenant.dead.bytes
  return held + bytes > tenantBytes ? 'tenant' : undefined
}

/** Whether messages that are added one after the other keep within their bounds, with all that was composed before. */
export class Room {
  readonly #topics: Tallies
  readonly #tenants: Tallies
  /** What those before would add, by name of the topic and by tenant; most messages come alone. */
  #messages: Map<string, number> | undefined
  #bytes: Map<string, number> | undefined
  #topicBytes: Map<string, number> | undefined

  constructor(topics: Tallies, tenants: Tallies) {
    this.#topics = topics
    this.#tenants = tenants
  }

  /** The outcome of a message for which there is no room. */
  refusal(message: NewMessage): Outcome | undefined {
    const { tenant, bounds } = message
    if (bounds === undefined) return undefined
    const name = nameOf(message)
    const messages = (this.#messages?.get(name) ?? 0) + 1
    const { numbers } = this.#topics.get(name)
    if (depthOf(numbers) + messages > bounds.depth) return FULL_TOPIC
    if (bounds.topicBytes !== undefined) {
      const inTopic = (this.#topicBytes?.get(name) ?? 0) + sizeOf(message)
      if (bytesOf(numbers) + inTopic > bounds.topicBytes) return FULL_TOPIC_BYTES
    }
    const bytes = (this.#bytes?.get(tenant) ?? 0) + sizeOf(message)
    return bytesOf(this.#tenants.get(tenant).numbers) + bytes > bounds.tenantBytes ? FULL_TENANT : undefined
  }

  /** The message stands before those asked about from now on. */
  add(message: NewMessage): void {
    const name = nameOf(message)
    this.#messages ??= new Map()
    this.#messages.set(name, (this.#messages.get(name) ?? 0) + 1)
    this.#bytes ??= new Map()
    this.#bytes.set(message.tenant, (this.#bytes.get(message.tenant) ?? 0) + sizeOf(message))
    if (message.bounds?.topicBytes === undefined) return
    this.#topicBytes ??= new Map()
    this.#topicBytes.set(name, (this.#topicBytes.get(name) ?? 0) + sizeOf(message))
  }
}
