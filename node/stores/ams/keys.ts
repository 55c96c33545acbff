/** Where things lie: all keys are text, begin with `!ams!` and a letter for the kind of row, and sort as bytes. */
const PREFIX = '!ams!'
const LAST = '\uffff'
const NUL = '\0'
const DIGITS = 14

const KIND = {
  numbers: 'n',
  bytes: 'b',
  envelope: 'e',
  placeOf: 'i',
  record: 'r',
  latest: 'l',
  byThread: 't',
  byFrom: 'f',
  byTo: 'o',
  byStatus: 's',
  thread: 'h',
  byUpdate: 'u',
  untold: 'p',
  leaving: 'x',
  rest: 'y',
  withdrawn: 'w'
} as const

export const INDEXES = {
  thread: KIND.byThread,
  from: KIND.byFrom,
  to: KIND.byTo,
  status: KIND.byStatus
} as const
export type IndexName = keyof typeof INDEXES

export interface Range {
  readonly gt: string
  readonly lt: string
}

/** 14 hexadecimal digits, so that numbers up to 2^53 sort as they count. */
export const sortable = (value: number): string => value.toString(16).padStart(DIGITS, '0')

/** The number at the end of a key. */
export const placeIn = (key: string): number => Number.parseInt(key.slice(-DIGITS), 16)

export const NUMBERS = PREFIX + KIND.numbers
export const BYTES = PREFIX + KIND.bytes
export const envelopeKey = (place: number): string => PREFIX + KIND.envelope + sortable(place)
export const placeKey = (id: string): string => PREFIX + KIND.placeOf + id
export const recordKey = (place: number, n: number): string =>
  `${PREFIX}${KIND.record}${sortable(place)}/${sortable(n)}`
export const latestKey = (place: number): string => PREFIX + KIND.latest + sortable(place)
export const indexKey = (index: IndexName, value: string, place: number): string =>
  PREFIX + INDEXES[index] + value + NUL + sortable(place)
export const threadKey = (thread: string): string => PREFIX + KIND.thread + thread
export const updateKey = (update: number): string => PREFIX + KIND.byUpdate + sortable(update)

export const leavingKey = (place: number): string => startOf.leaving + sortable(place)
export const withdrawnKey = (place: number): string => startOf.withdrawn + sortable(place)
export const restKey = (place: number): string => PREFIX + KIND.rest + sortable(place)

export const recordsOf = (place: number): Range => between(`${PREFIX}${KIND.record}${sortable(place)}/`)
export const UNTOLD_START = PREFIX + KIND.untold

/** Keys of envelopes, or of one value of an index, whose place is beyond one; all of them where none is given. */
export function beyond(
  start: string,
  { after, isAscending }: { readonly after?: number | undefined; readonly isAscending: boolean }
): Range {
  const whole = between(start)
  if (after === undefined) return whole
  return isAscending ? { ...whole, gt: start + sortable(after) } : { ...whole, lt: start + sortable(after) }
}

export const startOf = {
  envelopes: PREFIX + KIND.envelope,
  updates: PREFIX + KIND.byUpdate,
  leaving: PREFIX + KIND.leaving,
  rests: PREFIX + KIND.rest,
  withdrawn: PREFIX + KIND.withdrawn,
  index: (index: IndexName, value: string): string => PREFIX + INDEXES[index] + value + NUL
} as const

export function between(start: string): Range {
  return { gt: start, lt: start + LAST }
}
