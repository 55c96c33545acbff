import { OapError } from './errors.ts'
import type { Json, JsonObject } from './json.ts'

/** One member of a header: `read` judges what came in, `optional` says whether it may be absent. */
export interface Field<T> {
  readonly optional: boolean
  readonly read: (value: Json, name: string) => T
}

const required = <T>(read: Field<T>['read']): Field<T> => ({ optional: false, read })

export const integer = (min: number, max: number): Field<number> =>
  required((value, name) => {
    if (typeof value === 'number' && value >= min && value <= max) return value
    throw new OapError('bad_request', `${name}: an integer from ${min} to ${max}`)
  })

export const text = (maxBytes: number): Field<string> =>
  required((value, name) => {
    if (typeof value === 'string' && utf8Fits(value, maxBytes)) return value
    throw new OapError('bad_request', `${name}: text of at most ${maxBytes} bytes`)
  })

const utf8 = new TextEncoder()

/** A character of a string takes at most three bytes, so most texts need no encoding. */
function utf8Fits(value: string, maxBytes: number): boolean {
  if (value.length > maxBytes) return false
  return value.length * 3 <= maxBytes || utf8.encode(value).length <= maxBytes
}

export const flag: Field<boolean> = required((value, name) => {
  if (typeof value === 'boolean') return value
  throw new OapError('bad_request', `${name}: true or false`)
})

export const optional = <T>(inner: Field<T>): Field<T | undefined> => ({
  optional: true,
  read: (value, name) => inner.read(value, name)
})

export type Fields = Readonly<Record<string, Field<unknown>>>

type RequiredNames<F extends Fields> = {
  [K in keyof F]: F[K] extends Field<infer T> ? (undefined extends T ? never : K) : never
}[keyof F]

export type FieldValues<F extends Fields> = {
  readonly [K in RequiredNames<F>]: F[K] extends Field<infer T> ? T : never
} & {
  readonly [K in Exclude<keyof F, RequiredNames<F>>]?: F[K] extends Field<infer T> ? T : never
}

/** The members of `header` that `fields` names; others are ignored. Throws `bad_request` naming the member. */
export function readFields<F extends Fields>(fields: F, header: JsonObject): FieldValues<F> {
  const values: Record<string, unknown> = {}
  for (const name of Object.keys(fields)) {
    const field = fields[name]!
    const value = Object.hasOwn(header, name) ? header[name] : undefined
    if (value !== undefined) values[name] = field.read(value, name)
    else if (!field.optional) throw new OapError('bad_request', `${name}: missing`)
  }
  return values as FieldValues<F>
}

/** `values` as header members, the absent ones left out. */
export function writeFields<F extends Fields>(fields: F, values: FieldValues<F>): JsonObject {
  const header: Record<string, Json> = {}
  for (const name of Object.keys(fields)) {
    const value = (values as Record<string, Json | undefined>)[name]
    if (value !== undefined) header[name] = value
  }
  return header
}
