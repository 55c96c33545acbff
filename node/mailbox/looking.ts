import { OapError } from '../../protocols/index.ts'
import type { WaitingMessage } from '../../protocols/index.ts'
import type { StoredMessage, Topic } from '../stores/mailbox/types.ts'
import { timeOf } from '../stores/mailbox/ulid.ts'
import type { Page, PageAsked } from './dead-letters.ts'
import type { MailboxParts } from './parts.ts'
import { comesBefore, placeOf } from './place.ts'
import type { Spot } from './place.ts'
import { waitingOf } from './receiving.ts'
import { takeAway } from './taking-away.ts'

const CURSOR = /^(\d)\.([0-7][0-9A-HJKMNP-TV-Z]{25})$/
const PRIORITIES = [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]

export interface TopicStats {
  readonly topic: string
  readonly depth: number
  readonly bytes: number
  readonly in_flight: number
  readonly delayed: number
  /** Age in ms of the oldest message that is not delayed. */
  readonly oldest_ms?: number
  readonly dead: number
  readonly dead_bytes: number
}

/** Ready messages in their order, without those under lease; nothing is leased by it. */
export async function peek(
  parts: MailboxParts,
  topic: Topic,
  { max, maxBytes, after }: PageAsked
): Promise<Page<WaitingMessage>> {
  const start = after === undefined ? undefined : spotOfCursor(after)
  // What was read ahead spares going through all that was taken away before it.
  const { items, edge, isWhole } = parts.queues.ahead(topic)
  const known = items.filter(item => start === undefined || comesBefore(start, item))
  const found = firstOf(known, max, maxBytes)
  if (!isWhole && found.length === known.length && found.length < max) {
    const from = laterOf(start, edge)
    const limit = max - found.length
    const behind = await parts.store.read(topic, { limit, maxBytes, ...(from && { after: from }) })
    found.push(...firstOf([...found, ...behind], max, maxBytes).slice(found.length))
  }
  const last = found.at(-1)
  return {
    items: found
      .filter(({ id }) => parts.leases.find(topic, id) === undefined)
      .map(message => waitingOf(parts, message)),
    next: last && `${last.priority}.${last.id}`
  }
}

/** As many as a page takes, at least one. */
function firstOf(messages: readonly StoredMessage[], max: number, maxBytes: number): StoredMessage[] {
  const found: StoredMessage[] = []
  let left = maxBytes
  for (const message of messages) {
    left -= message.bytes
    if (found.length === max || (found.length > 0 && left < 0)) break
    found.push(message)
  }
  return found
}

const laterOf = (a: Spot | undefined, b: Spot | undefined): Spot | undefined =>
  a === undefined || (b !== undefined && comesBefore(a, b)) ? b : a

function spotOfCursor(after: string): Spot {
  const [, priority, id] = CURSOR.exec(after) ?? []
  if (id === undefined) throw new OapError('bad_request', 'after: not the next of a page')
  return { priority: Number(priority), id }
}

export async function stats(parts: MailboxParts, topic: Topic): Promise<TopicStats> {
  const { ready, delayed, dead, byPriority } = parts.store.counts(topic)
  const present = PRIORITIES.filter(priority => byPriority[priority]! > 0)
  const first = await Promise.all(present.map(priority => oldestIds(parts, topic, priority)))
  const oldest = Math.min(...first.flat().map(timeOf))
  return {
    topic: topic.topic,
    depth: ready.messages + delayed.messages,
    bytes: ready.bytes + delayed.bytes,
    in_flight: parts.leases.countOf(topic),
    delayed: delayed.messages,
    ...(Number.isFinite(oldest) && { oldest_ms: Math.max(0, parts.now() - oldest) }),
    dead: dead.messages,
    dead_bytes: dead.bytes
  }
}

/**
 * Ids of a priority, of which one is its oldest. The store is asked only for what the queue does not know: its first rows
 * stand behind all that was taken away since LevelDB last sorted them.
 */
async function oldestIds(parts: MailboxParts, topic: Topic, priority: number): Promise<readonly string[]> {
  const leased = parts.leases.oldest(topic, priority) ?? []
  const first = parts.queues.first(topic, priority)
  if (first.is === 'nowhere') return [leased].flat()
  if (first.is === 'here') return [leased, first.id].flat()
  const { after } = first
  const found = await parts.store.read(topic, { priority, limit: 1, ...(after && { after }) })
  return [leased, found.map(({ id }) => id)].flat()
}

/** Removes a message that waits. @throws OapError `not_found`, `message_leased`. */
export async function remove(parts: MailboxParts, topic: Topic, id: string): Promise<void> {
  const message = await parts.store.find(topic, id)
  if (message === undefined) throw new OapError('not_found', 'msg_id: no such message waits here')
  if (parts.leases.find(topic, id) !== undefined)
    throw new OapError('conflict', 'msg_id: the message is under lease', { code: 'message_leased' })
  const place = placeOf(message)
  const [outcome] = await takeAway(parts, [place], () => [{ do: 'remove', place }])
  if (outcome?.is !== 'done') throw new OapError('not_found', 'msg_id: no such message waits here')
}
