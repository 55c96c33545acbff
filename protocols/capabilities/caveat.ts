import { OapError } from '../errors.ts'
import { isTopicPattern } from './topic-pattern.ts'

/** The right of another hub, for which a token stands in. */
export interface Origin {
  readonly hub: string
  readonly capId: string
}

/** What each caveat holds, by its key. Times are Unix seconds. */
export interface CaveatValues {
  readonly verb: readonly string[]
  readonly topic: readonly string[]
  readonly tenant: string
  readonly app: readonly number[]
  readonly expires: number
  readonly 'not-before': number
  readonly 'renew-until': number
  readonly peer: string
  readonly content: readonly string[]
  readonly 'max-bytes': number
  readonly rate: number
  readonly streams: number
  readonly audience: string
  readonly origin: Origin
  readonly 'read-only': true
}

export type CaveatKey = keyof CaveatValues

/** One restriction, typed by its key. */
export type Caveat<K extends CaveatKey = CaveatKey> = {
  [P in K]: { readonly key: P; readonly value: CaveatValues[P] }
}[K]

/** How a value stands in text: `read` gives undefined for what is not of this form. */
interface Form<T> {
  readonly op: '=' | '<' | '>' | '<=' | ''
  readonly read: (text: string) => T | undefined
  readonly write: (value: T) => string
}

const text = (op: '=', shape: RegExp): Form<string> => ({
  op,
  read: value => (value.length <= MAX_ID && shape.test(value) ? value : undefined),
  write: value => value
})

const HUB_ID = /^h1[a-z2-7]{52}$/
const CAP_ID = /^[0-9a-f]{32}$/
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const VERB = /^[a-z][a-z0-9_-]*:[a-z][a-z0-9_-]*$/
const MAX_NAME = 64
const PEER_ID = /^[1-9A-HJ-NP-Za-km-z]+$/
const CONTENT_ID = /^[A-Za-z0-9]+$/
const MAX_ID = 128
const APP = /^0x[0-9a-f]{4}$/
const DECIMAL = /^(?:0|[1-9][0-9]*)$/

function decimal(value: string, least: number): number | undefined {
  const number = DECIMAL.test(value) ? Number(value) : -1
  return Number.isSafeInteger(number) && number >= least ? number : undefined
}

const seconds = (op: '<' | '>'): Form<number> => ({ op, read: value => decimal(value, 0), write: String })

const amount = (unit = ''): Form<number> => ({
  op: '<=',
  read: value => (value.endsWith(unit) ? decimal(value.slice(0, value.length - unit.length), 1) : undefined),
  write: value => `${value}${unit}`
})

/** One or more, divided by commas: any of them will do. */
const anyOf = <T>(one: (text: string) => T | undefined, write: (value: T) => string): Form<readonly T[]> => ({
  op: '=',
  read: value => {
    const all: T[] = []
    for (const member of value.split(',')) {
      const read = one(member)
      if (read === undefined) return undefined
      all.push(read)
    }
    return all
  },
  write: values => values.map(write).join(',')
})

const texts = (is: (text: string) => boolean) => anyOf(value => (is(value) ? value : undefined), String)

const FORMS: { readonly [K in CaveatKey]: Form<CaveatValues[K]> } = {
  verb: texts(isVerb),
  topic: texts(isTopicPattern),
  tenant: text('=', UUID),
  app: anyOf(
    value => (APP.test(value) ? Number(value) : undefined),
    app => `0x${app.toString(16).padStart(4, '0')}`
  ),
  expires: seconds('<'),
  'not-before': seconds('>'),
  'renew-until': seconds('<'),
  peer: text('=', PEER_ID),
  content: texts(value => value.length <= MAX_ID && CONTENT_ID.test(value)),
  'max-bytes': amount(),
  rate: amount('/s'),
  streams: amount(),
  audience: text('=', HUB_ID),
  origin: { op: '=', read: readOrigin, write: ({ hub, capId }) => `${hub}/${capId}` },
  'read-only': { op: '', read: value => (value === '' ? true : undefined), write: () => '' }
}

function isVerb(value: string): boolean {
  const end = value.indexOf(':')
  return VERB.test(value) && end <= MAX_NAME && value.length - end - 1 <= MAX_NAME
}

function readOrigin(value: string): Origin | undefined {
  const [hub = '', capId = '', ...rest] = value.split('/')
  return HUB_ID.test(hub) && CAP_ID.test(capId) && rest.length === 0 ? { hub, capId } : undefined
}

interface Reader {
  /** What stands between key and value; empty for a key that stands alone. */
  readonly infix: string
  readonly read: (text: string) => unknown
}

const READERS: ReadonlyMap<string, Reader> = new Map(
  Object.entries(FORMS).map(([key, { op, read }]) => [key, { infix: op === '' ? '' : ` ${op} `, read }])
)
const KEY = /^[a-z][a-z0-9-]{0,31}$/

/** What is said of text that is no caveat of ours: its key where it has one, else `caveat`. */
export interface UnknownCaveat {
  readonly unknown: string
}

/** The caveat in `line`, `key op value` with one space between; whatever is not exactly that is unknown. */
export function parseCaveat(line: string): Caveat | UnknownCaveat {
  const space = line.indexOf(' ')
  const key = space < 0 ? line : line.slice(0, space)
  const value = valueOf(key, line)
  if (value !== undefined) return { key, value } as Caveat
  return { unknown: KEY.test(key) ? key : 'caveat' }
}

function valueOf(key: string, line: string): unknown {
  const reader = READERS.get(key)
  if (reader === undefined) return undefined
  const { infix, read } = reader
  const isOfForm = infix === '' ? line === key : line.startsWith(infix, key.length)
  return isOfForm ? read(line.slice(key.length + infix.length)) : undefined
}

/** Throws `bad_request` for a value that `parseCaveat` would not give back. */
export function caveatText({ key, value }: Caveat): string {
  const { op, write } = FORMS[key] as Form<unknown>
  const line = op === '' ? key : `${key} ${op} ${write(value)}`
  if ('unknown' in parseCaveat(line)) throw new OapError('bad_request', `${key}: not a value of this caveat`)
  return line
}
