import Type, { type Static, type TObject, type TProperties } from 'typebox'
import { Value } from 'typebox/value'
import { parseCursor } from '../cursor.ts'
import { Problem } from './problem.ts'

/** What the query of a request may hold, one text each, as `parameters` in the order of the table. */
export const query = <P extends TProperties>(properties: P) =>
  Type.Object(properties, { additionalProperties: false })

export const NO_QUERY = query({})

export const limitOf = (usual: number, most: number) =>
  Type.Integer({ minimum: 1, maximum: most, default: usual, description: 'Items at most.' })

export const CURSOR = Type.Optional(
  Type.String({ pattern: '^[A-Za-z0-9_-]{12}$', description: 'nextCursor of the page before.' })
)

export const DIRECTION = Type.Enum(['desc', 'asc'], {
  default: 'desc',
  description: 'Newest first, or oldest first.'
})

/** A text of as many characters at most, none of them a control character. */
export const nameOf = (maxLength: number, description: string) =>
  Type.String({ minLength: 1, maxLength, pattern: '^[^\\u0000-\\u001f\\u007f-\\u009f]+$', description })

export const FLAG = (description: string) => Type.Optional(Type.Enum(['1'], { description }))

const WHOLE = /^(?:0|[1-9]\d{0,8})$/

/**
 * The query of a request, with the usual values of what it leaves out.
 * @throws Problem `bad_query` naming the parameter.
 */
export function readQuery<S extends TObject>(schema: S, given: Readonly<Record<string, unknown>>): Static<S> {
  const names = Object.keys(schema.properties)
  const read: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(given)) {
    if (!names.includes(name))
      throw bad(
        name,
        names.length === 0 ? 'nothing is asked for here' : `no parameter here; there are ${names.join(', ')}`
      )
    if (typeof value !== 'string') throw bad(name, 'give it once')
    read[name] = isWhole(schema, name) ? wholeOf(value, name) : value
  }
  for (const name of names) {
    const { default: usual } = schema.properties[name] as { readonly default?: unknown }
    if (usual !== undefined) read[name] ??= usual
  }
  const [error] = Value.Errors(schema, read)
  if (error !== undefined) throw bad(namedBy(error), explained(error))
  return read as Static<S>
}

/** @throws Problem `bad_cursor` */
export function placeOf(cursor: string | undefined): number | undefined {
  if (cursor === undefined) return undefined
  const place = parseCursor(cursor)
  if (place === undefined) throw new Problem('bad_cursor', 'cursor: give the nextCursor of a page, as it was')
  return place
}

type SchemaError = ReturnType<typeof Value.Errors>[number]

function namedBy({ instancePath, keyword, params }: SchemaError): string {
  const missing = keyword === 'required' ? params.requiredProperties[0] : undefined
  return missing ?? instancePath.slice(1)
}

function explained({ keyword, params, message }: SchemaError): string {
  if (keyword === 'required') return 'missing'
  if (keyword === 'minimum' || keyword === 'maximum')
    return `give at ${keyword === 'minimum' ? 'least' : 'most'} ${params.limit}`
  if (keyword === 'maxLength') return `give at most ${params.limit} characters`
  if (keyword === 'minLength') return 'give a text that is not empty'
  if (keyword === 'enum') return `give one of ${params.allowedValues.join(', ')}`
  if (keyword === 'pattern') return 'give it as it is described'
  return message
}

const isWhole = (schema: TObject, name: string): boolean =>
  (schema.properties[name] as { readonly type?: unknown }).type === 'integer'

function wholeOf(value: string, name: string): number {
  if (!WHOLE.test(value)) throw bad(name, 'give a whole number')
  return Number(value)
}

const MAX_SHOWN_CHARS = 64
const bad = (name: string, what: string): Problem =>
  new Problem('bad_query', `${JSON.stringify(name.slice(0, MAX_SHOWN_CHARS)).slice(1, -1)}: ${what}`)
