import type { Place, State, Topic } from './types.ts'

/**
 * Where things lie: all keys are text, begin with `!mailbox!` and a letter for the kind of row, and sort as bytes. A topic
 * is `tenant NUL topic`, so that no range of one tenant or topic reaches into another.
 */
export const PREFIX = '!mailbox!'

/** The end of every range: above all that may follow. */
const LAST = '\uffff'
const NUL = '\0'
const DIGITS = 12
const ID_LENGTH = 26
// With ASCII alone, text sorts as its bytes do.
const NAME = /^[\x20-\x7e]{1,255}$/

export const KIND = {
  format: 'v',
  checkpoint: 'k',
  batch: 'b',
  topicCounts: 'c',
  tenantCounts: 'u',
  ready: 'm',
  delayed: 'd',
  dead: 'q',
  timer: 't',
  idem: 'i',
  attempts: 'a',
  loss: 'l',
  note: 'n',
  setAside: 'x'
} as const

export type Kind = (typeof KIND)[keyof typeof KIND]

export interface Range {
  readonly gte: string
  readonly lt: string
}

export const row = (kind: Kind, rest = ''): string => PREFIX + kind + rest

export const allOf = (kind: Kind, start = ''): Range => ({
  gte: row(kind, start),
  lt: row(kind, start + LAST)
})

export const WHOLE: Range = { gte: PREFIX, lt: PREFIX + LAST }

/** 12 hexadecimal digits, so that numbers up to 2^48 sort as they count. */
export const sortable = (value: number): string => value.toString(16).padStart(DIGITS, '0')

export const fromSortable = (text: string): number => Number.parseInt(text.slice(0, DIGITS), 16)

/** The last name that was made, since changes of one topic come in rows: the same text again is found by its hash at once. */
let last = { tenant: '', topic: '', name: '' }

export const nameOf = ({ tenant, topic }: Topic): string =>
  last.topic === topic && last.tenant === tenant ? last.name : tenant + NUL + topic

/** As `nameOf`. @throws RangeError for what cannot be part of a key. */
export function topicName({ tenant, topic }: Topic): string {
  if (last.topic === topic && last.tenant === tenant && topic !== '') return last.name
  for (const part of [tenant, topic])
    if (!NAME.test(part)) throw new RangeError('a tenant or topic is 1 to 255 printable characters of ASCII')
  last = { tenant, topic, name: tenant + NUL + topic }
  return last.name
}

export function topicOf(name: string): Topic {
  const cut = name.indexOf(NUL)
  return { tenant: name.slice(0, cut), topic: name.slice(cut + 1) }
}

export const startOfTenant = (tenant: string): string => tenant + NUL

/** What follows the topic in the key of a message: its place in the ready order. */
const order = (priority: number, id: string): string => String(9 - priority) + id

export const messageKey = (state: State, name: string, priority: number, id: string): string =>
  state === 'dead' ? row(KIND.dead, name + NUL + id) : row(KIND[state], name + NUL + order(priority, id))

/** All messages of one state in a topic, or of one priority of them. */
export function messagesOf(state: State, name: string, priority?: number): Range {
  return allOf(KIND[state], name + NUL + (priority === undefined ? '' : String(9 - priority)))
}

const PLACE = /^([^\0]+)\0([^\0]+)\0(\d?)([0-9A-HJKMNP-TV-Z]{26})$/

/** The place in the key of a message after its kind; a dead letter's key tells no priority. */
export function parsePlace(rest: string, priorityOfDead = 0): Place | undefined {
  const [, tenant, topic, order9, id] = PLACE.exec(rest) ?? []
  if (tenant === undefined || topic === undefined || id === undefined) return undefined
  return { tenant, topic, priority: order9 === '' ? priorityOfDead : 9 - Number(order9), id }
}

const ORDER = /^\d?[0-9A-HJKMNP-TV-Z]{26}$/

/** The same for a key of which the topic is known: `start` is where its order begins. */
export function placeIn({ tenant, topic }: Topic, key: string, start: number): Place | undefined {
  const order9 = key.slice(start)
  if (!ORDER.test(order9)) return undefined
  const priority = order9.length > ID_LENGTH ? 9 - Number(order9[0]) : 0
  return { tenant, topic, priority, id: order9.slice(-ID_LENGTH) }
}

export type Timer = 'not_before' | 'expires'

const TIMERS: Readonly<Record<Timer, string>> = { not_before: 'n', expires: 'e' }

export const timerKey = (atMs: number, what: Timer, state: State, place: Place, name: string): string =>
  row(KIND.timer, sortable(atMs) + TIMERS[what] + KIND[state] + name + NUL + order(place.priority, place.id))

export interface ParsedTimer {
  readonly atMs: number
  readonly what: Timer
  readonly state: State
  readonly place: Place
}

const STATE_OF: Readonly<Record<string, State>> = { m: 'ready', d: 'delayed', q: 'dead' }

export function parseTimer(key: string): ParsedTimer | undefined {
  const rest = key.slice(PREFIX.length + 1)
  const place = parsePlace(rest.slice(DIGITS + 2))
  const state = STATE_OF[rest[DIGITS + 1] ?? '']
  if (place === undefined || state === undefined) return undefined
  return { atMs: fromSortable(rest), what: rest[DIGITS] === 'n' ? 'not_before' : 'expires', state, place }
}

/** `generation` is the number of the window in which the key was given. */
export const idemKey = (generation: number, name: string, key: string): string =>
  row(KIND.idem, sortable(generation) + name + NUL + key)

export { DIGITS, ID_LENGTH, NUL }
