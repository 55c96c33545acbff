import { OapError } from '../../protocols/index.ts'
import type { DeadLetter } from '../../protocols/index.ts'
import type { Change, DeadLetter as StoredDeadLetter, Place, Topic } from '../stores/mailbox/types.ts'
import { decodeHistory } from './message-meta.ts'
import type { MailboxParts } from './parts.ts'
import { placeOf, spotBefore } from './place.ts'
import { waitingOf } from './receiving.ts'

/** Which dead letters, and how many a call. */
export interface Picked {
  readonly msgIds?: readonly string[] | undefined
  readonly max: number
}

export interface PickedResult {
  readonly done: number
  /** Whether others are left that were meant. */
  readonly more: boolean
}

export interface PageAsked {
  readonly max: number
  readonly maxBytes: number
  readonly after?: string | undefined
}

export interface Page<T> {
  readonly items: readonly T[]
  readonly next: string | undefined
}

/** Of letters that are moved in one commit. */
const SLICE_BYTES = 2 * 1024 * 1024

const ID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/

/** Dead letters by ascending id, with the history of their attempts. */
export async function listDead(
  parts: MailboxParts,
  topic: Topic,
  { max, maxBytes, after }: PageAsked
): Promise<Page<DeadLetter>> {
  if (after !== undefined && !ID.test(after))
    throw new OapError('bad_request', 'after: not the next of a page')
  const found = await parts.store.deadLetters(topic, {
    limit: max,
    maxBytes,
    ...(after !== undefined && { after: { priority: 0, id: after } })
  })
  return { items: found.map(letter => deadOf(parts, letter)), next: found.at(-1)?.id }
}

function deadOf(parts: MailboxParts, letter: StoredDeadLetter): DeadLetter {
  const { not_before: _, ...shown } = waitingOf(parts, letter)
  return { ...shown, dead_at: letter.diedAtMs, reason: 'attempts', history: decodeHistory(letter.history) }
}

/** Makes dead letters ready again at their own places, with all their attempts; durable when it resolves. */
export async function redrive(parts: MailboxParts, topic: Topic, picked: Picked): Promise<PickedResult> {
  const expiresAtMs = parts.now() + parts.rules.of(topic.topic).retentionMs
  return await change(parts, topic, picked, {
    of: place => ({ do: 'redrive', place, expiresAtMs }),
    done(places) {
      if (places.length > 0) parts.dueAt(expiresAtMs)
      for (const place of places) parts.queues.exposed(topic, place)
    }
  })
}

/** Removes dead letters for ever; durable when it resolves. */
export async function purgeDead(parts: MailboxParts, topic: Topic, picked: Picked): Promise<PickedResult> {
  return await change(parts, topic, picked, {
    of: place => ({ do: 'discard', place }),
    done: () => undefined
  })
}

interface Doing {
  of(place: Place): Change
  /** Told of each slice that is durable. */
  done(places: readonly Place[]): void
}

async function change(
  { store }: MailboxParts,
  topic: Topic,
  { msgIds, max }: Picked,
  doing: Doing
): Promise<PickedResult> {
  const commit = async (places: readonly Place[]): Promise<number> => {
    if (places.length === 0) return 0
    const outcomes = await store.commit(places.map(place => doing.of(place)))
    const changed = places.filter((_, n) => outcomes[n]?.is === 'done')
    doing.done(changed)
    return changed.length
  }
  if (msgIds === undefined) {
    const letters = await store.deadLetters(topic, { limit: max })
    const done = await commit(letters.map(placeOf))
    return { done, more: store.counts(topic).dead.messages > 0 }
  }
  let done = 0
  let some: Place[] = []
  let bytes = 0
  for (const id of msgIds.slice(0, max)) {
    const letter = await deadLetter(store, topic, id)
    if (letter === undefined) continue
    some.push(placeOf(letter))
    bytes += letter.bytes
    if (bytes < SLICE_BYTES) continue
    done += await commit(some)
    some = []
    bytes = 0
  }
  return { done: done + (await commit(some)), more: false }
}

async function deadLetter(
  store: MailboxParts['store'],
  topic: Topic,
  id: string
): Promise<StoredDeadLetter | undefined> {
  const [found] = await store.deadLetters(topic, { limit: 1, after: spotBefore({ priority: 0, id }) })
  return found?.id === id ? found : undefined
}
