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
  const { letters, done, more } = await change(parts, topic, picked, place => ({
    do: 'redrive',
    place,
    expiresAtMs
  }))
  if (letters.length > 0) parts.dueAt(expiresAtMs)
  for (const letter of letters) parts.queues.exposed(topic, letter)
  return { done, more }
}

/** Removes dead letters for ever; durable when it resolves. */
export async function purgeDead(parts: MailboxParts, topic: Topic, picked: Picked): Promise<PickedResult> {
  const { done, more } = await change(parts, topic, picked, place => ({ do: 'discard', place }))
  return { done, more }
}

async function change(
  { store }: MailboxParts,
  topic: Topic,
  picked: Picked,
  changeOf: (place: Place) => Change
): Promise<PickedResult & { readonly letters: readonly StoredDeadLetter[] }> {
  const letters = await pick(store, topic, picked)
  if (letters.length === 0) return { letters, done: 0, more: false }
  const outcomes = await store.commit(letters.map(letter => changeOf(placeOf(letter))))
  const changed = letters.filter((_, n) => outcomes[n]?.is === 'done')
  const isAll = picked.msgIds === undefined
  return { letters: changed, done: changed.length, more: isAll && store.counts(topic).dead.messages > 0 }
}

async function pick(
  store: MailboxParts['store'],
  topic: Topic,
  { msgIds, max }: Picked
): Promise<readonly StoredDeadLetter[]> {
  if (msgIds === undefined) return await store.deadLetters(topic, { limit: max })
  const found = await Promise.all(msgIds.slice(0, max).map(id => deadLetter(store, topic, id)))
  return found.filter(letter => letter !== undefined)
}

async function deadLetter(
  store: MailboxParts['store'],
  topic: Topic,
  id: string
): Promise<StoredDeadLetter | undefined> {
  const [found] = await store.deadLetters(topic, { limit: 1, after: spotBefore({ priority: 0, id }) })
  return found?.id === id ? found : undefined
}
