import { acceptedTypes } from './accept.ts'
import type { Accepted } from './accept.ts'
import { entityBytesText, parseEntityBytes } from './entity-bytes.ts'
import type { EntityBytes } from './entity-bytes.ts'
import { Refusal } from './refusal.ts'

export type DagScope = 'all' | 'entity' | 'block'

/** What of a content id is asked for: its block, or blocks of its DAG as a CAR. */
export type Wanted =
  | { readonly form: 'raw' }
  | { readonly form: 'car'; readonly scope: DagScope; readonly bytes: EntityBytes | undefined }

export type Query = Readonly<Record<string, string | readonly string[] | undefined>>

type Form = Wanted['form']

export const MEDIA_TYPES: Readonly<Record<Form, string>> = {
  raw: 'application/vnd.ipld.raw',
  car: 'application/vnd.ipld.car'
}
const FORM_OF = new Map(Object.entries(MEDIA_TYPES).map(([form, type]) => [type, form as Form]))
const SCOPES: readonly string[] = ['all', 'entity', 'block'] satisfies DagScope[]

/** Of what a CAR may be asked to be, what ours are: version 1, depth first, blocks as often as they occur. */
const OUR_CAR: Readonly<Record<string, readonly string[]>> = {
  version: ['1'],
  order: ['dfs', 'unk'],
  dups: ['y']
}
const CAR_QUERY = [
  ['car-version', 'version'],
  ['car-order', 'order'],
  ['car-dups', 'dups']
] as const

/**
 * What a request asks for; `format` goes before `Accept`. It looks at nothing that is stored.
 * @throws Refusal 400 for what is malformed, 406 for what is not spoken here
 */
export function wantedOf(query: Query, accept: string | undefined): Wanted {
  if (formOf(query, accept) === 'raw') return { form: 'raw' }
  for (const [name, what] of CAR_QUERY) {
    const value = one(query, name)
    if (value !== undefined && !OUR_CAR[what]!.includes(value))
      throw notSpoken(`${name}=${value.slice(0, 32)}`)
  }
  const bytes = one(query, 'entity-bytes')
  const scope = one(query, 'dag-scope') ?? (bytes === undefined ? 'all' : 'entity')
  if (!SCOPES.includes(scope)) throw malformed('dag-scope: all, entity or block was expected')
  if (bytes === undefined) return { form: 'car', scope: scope as DagScope, bytes: undefined }
  const range = parseEntityBytes(bytes)
  if (range === undefined) throw malformed('entity-bytes: FROM:TO was expected, as in 0:1023 or -1024:*')
  // It asks for an entity, whatever scope stands beside it.
  return { form: 'car', scope: 'entity', bytes: range }
}

/** The query that asks for the same without an `Accept` header. */
export function queryOf(wanted: Wanted): string {
  if (wanted.form === 'raw') return 'format=raw'
  const { scope, bytes } = wanted
  return `format=car&dag-scope=${scope}${bytes === undefined ? '' : `&entity-bytes=${entityBytesText(bytes)}`}`
}

/** The media type of the answer. */
export const mediaTypeOf = ({ form }: Wanted): string =>
  form === 'raw' ? MEDIA_TYPES.raw : `${MEDIA_TYPES.car}; version=1; order=dfs; dups=y`

function formOf(query: Query, accept: string | undefined): Form {
  const format = one(query, 'format')
  if (format === 'raw' || format === 'car') return format
  if (format !== undefined) throw notSpoken(`format=${format.slice(0, 32)}`)
  if (accept === undefined || accept.trim() === '')
    throw malformed('say what you take: format=raw or format=car, or an Accept header')
  const form = acceptedTypes(accept).find(isOurs)
  if (form === undefined) throw notSpoken('none of what Accept names')
  return FORM_OF.get(form.type)!
}

const isOurs = ({ type, parameters }: Accepted): boolean =>
  FORM_OF.get(type) === 'raw' ||
  (FORM_OF.get(type) === 'car' &&
    [...parameters].every(([name, value]) => OUR_CAR[name]?.includes(value) !== false))

function one(query: Query, name: string): string | undefined {
  const value = query[name]
  if (value === undefined || typeof value === 'string') return value
  throw malformed(`${name}: once was expected`)
}

const malformed = (what: string): Refusal => new Refusal(400, 'bad_request', what)

const notSpoken = (what: string): Refusal =>
  new Refusal(406, 'not_acceptable', `${what}: here are ${MEDIA_TYPES.raw} and ${MEDIA_TYPES.car}`)
