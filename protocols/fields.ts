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
export function utf8Fits(value: string, maxBytes: number): boolean {
  if (value.length > maxBytes) return false
  return value.length * 3 <= maxBytes || utf8.encode(value).length <= maxBytes
}

export const flag: Field<boolean> = required((value, name) => {
  if (typeof value === 'boolean') return value
  throw new OapError('bad_request', `${name}: true or false`)
})

/** A text for which `fits` holds; else `bad_request` or, under that, a service's own `code`. */
export const matching = <T extends string>(
  fits: (value: string) => boolean,
  says: string,
  code?: string
): Field<T> =>
  required((value, name) => {
    if (typeof value === 'string' && fits(value)) return value as T
    throw new OapError('bad_request', `${name}: ${says}`, { code })
  })

/** One of the given texts. */
export const oneOf = <const T extends string>(...choices: readonly T[]): Field<T> =>
  required((value, name) => {
    if (choices.includes(value as T)) return value as T
    throw new OapError('bad_request', `${name}: one of ${choices.join(', ')}`)
  })

/** An array of at most `most` and at least `least` values, each judged by `inner`. */
export const list = <T>(inner: Field<T>, most: number, least = 0): Field<readonly T[]> =>
  required((value, name) => {
    if (Array.isArray(value) && value.length >= least && value.length <= most)
      return (value as readonly Json[]).map((item, n) => inner.read(item, `${name}[${n}]`))
    throw new OapError('bad_request', `${name}: an array of ${least} to ${most}`)
  })

/** An object of these members; others in it are ignored. */
export const object = <F extends Fields>(fields: F): Field<FieldValues<F>> =>
  required((value, name) => {
    if (isObject(value)) return readFields(fields, value, `${name}.`)
    throw new OapError('bad_request', `${name}: an object`)
  })

const isObject = (value: Json): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** An object whose members are all texts; `maxBytes` bounds the UTF-8 of all names and values together. */
export const texts = (maxBytes: number, code?: string): Field<Readonly<Record<string, string>>> =>
  required((value, name) => {
    if (!isObject(value) || Object.values(value).some(member => typeof member !== 'string'))
      throw new OapError('bad_request', `${name}: an object of texts`)
    const all = value as Readonly<Record<string, string>>
    let bytes = 0
    for (const [member, content] of Object.entries(all)) bytes += sizeOf(member) + sizeOf(content)
    if (bytes <= maxBytes) return all
    throw new OapError('body_oversize', `${name}: at most ${maxBytes} bytes of names and values`, { code })
  })

const sizeOf = (content: string): number => utf8.encode(content).length

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
export function readFields<F extends Fields>(fields: F, header: JsonObject, within = ''): FieldValues<F> {
  const values: Record<string, unknown> = {}
  for (const name of Object.keys(fields)) {
    const field = fields[name]!
    const value = Object.hasOwn(header, name) ? header[name] : undefined
    if (value !== undefined) values[name] = field.read(value, within + name)
    else if (!field.optional) throw new OapError('bad_request', `${within}${name}: missing`)
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
