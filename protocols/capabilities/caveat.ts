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
  read: value => (shape.test(value) ? value : undefined),
  write: value => value
})

const HUB_ID = /^h1[a-z2-7]{52}$/
const CAP_ID = /^[0-9a-f]{32}$/
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const VERB = /^[a-z][a-z0-9_-]{0,63}:[a-z][a-z0-9_-]{0,63}$/
const PEER_ID = /^[1-9A-HJ-NP-Za-km-z]{1,128}$/
const CONTENT_ID = /^[A-Za-z0-9]{1,128}$/
const APP = /^0x[0-9a-f]{4}$/
const DECIMAL = /^(?:0|[1-9][0-9]{0,15})$/

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
    const all = value.split(',').map(one)
    return all.includes(undefined) ? undefined : (all as T[])
  },
  write: values => values.map(write).join(',')
})

const texts = (is: (text: string) => boolean) => anyOf(value => (is(value) ? value : undefined), String)

const FORMS: { readonly [K in CaveatKey]: Form<CaveatValues[K]> } = {
  verb: texts(value => VERB.test(value)),
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
  content: texts(value => CONTENT_ID.test(value)),
  'max-bytes': amount(),
  rate: amount('/s'),
  streams: amount(),
  audience: text('=', HUB_ID),
  origin: { op: '=', read: readOrigin, write: ({ hub, capId }) => `${hub}/${capId}` },
  'read-only': { op: '', read: value => (value === '' ? true : undefined), write: () => '' }
}

function readOrigin(value: string): Origin | undefined {
  const [hub = '', capId = '', ...rest] = value.split('/')
  return HUB_ID.test(hub) && CAP_ID.test(capId) && rest.length === 0 ? { hub, capId } : undefined
}

const isCaveatKey = (key: string): key is CaveatKey => Object.hasOwn(FORMS, key)
const KEY = /^[a-z][a-z0-9-]{0,31}$/

/** What is said of text that is no caveat of ours: its key where it has one, else `caveat`. */
export interface UnknownCaveat {
  readonly unknown: string
}

/** The caveat in `line`, `key op value` with one space between; whatever is not exactly that is unknown. */
export function parseCaveat(line: string): Caveat | UnknownCaveat {
  const [key, op, value] = divided(line)
  if (isCaveatKey(key) && FORMS[key].op === op) {
    const read = FORMS[key].read(value)
    if (read !== undefined) return { key, value: read } as Caveat
  }
  return { unknown: KEY.test(key) ? key : 'caveat' }
}

function divided(line: string): readonly [key: string, op: string, value: string] {
  const first = line.indexOf(' ')
  if (first < 0) return [line, '', '']
  const second = line.indexOf(' ', first + 1)
  if (second < 0) return [line.slice(0, first), ' ', '']
  return [line.slice(0, first), line.slice(first + 1, second), line.slice(second + 1)]
}

/** Throws `bad_request` for a value that `parseCaveat` would not give back. */
export function caveatText({ key, value }: Caveat): string {
  const { op, write } = FORMS[key] as Form<unknown>
  const line = op === '' ? key : `${key} ${op} ${write(value)}`
  if ('unknown' in parseCaveat(line)) throw new OapError('bad_request', `${key}: not a value of this caveat`)
  return line
}
