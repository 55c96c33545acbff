/** What must hold of a value beyond its schema: the problem, or nothing. */
type Judge = (text: string) => string | undefined

const VALUE = Symbol('value')
const JUDGE = Symbol('judge')

export interface Options {
  readonly description?: string
  readonly default?: unknown
  readonly minimum?: number
  readonly maximum?: number
  readonly maxLength?: number
  readonly minItems?: number
  readonly maxItems?: number
  readonly uniqueItems?: boolean
  readonly additionalProperties?: boolean
}

/** The part of JSON Schema that a configuration needs. `T` is the type of what fits. */
export interface Schema<T = unknown> extends Options {
  readonly type?: 'string' | 'integer' | 'boolean' | 'array' | 'object'
  readonly enum?: readonly string[]
  readonly items?: Schema
  readonly [VALUE]?: T
  readonly [JUDGE]?: Judge
}

export type Properties = Readonly<Record<string, Schema>>

export interface ObjectSchema<P extends Properties> extends Schema<{ [K in keyof P]: Static<P[K]> }> {
  readonly type: 'object'
  readonly required: readonly string[]
  readonly properties: P
}

export type Static<S extends Schema> = S extends Schema<infer T> ? T : never

/**
 * Makes schemas by the names that typebox has for them. A start waits for every module: typebox is 680, and what a
 * configuration needs of it is this file.
 */
export const Type = {
  String: (options: Options = {}): Schema<string> => ({ type: 'string', ...options }),
  Integer: (options: Options = {}): Schema<number> => ({ type: 'integer', ...options }),
  Boolean: (options: Options = {}): Schema<boolean> => ({ type: 'boolean', ...options }),
  Unknown: (options: Options = {}): Schema => ({ ...options }),
  Enum: <const V extends readonly string[]>(values: V, options: Options = {}): Schema<V[number]> => ({
    enum: values,
    ...options
  }),
  Array: <T>(items: Schema<T>, options: Options = {}): Schema<T[]> => ({ type: 'array', items, ...options }),
  Object: <P extends Properties>(properties: P, options: Options = {}): ObjectSchema<P> => ({
    type: 'object',
    required: Object.keys(properties),
    properties,
    ...options
  }),
  /** Yields the schema of texts of which `judge` tells no problem. */
  Judged: (options: Options, judge: Judge): Schema<string> => ({
    type: 'string',
    ...options,
    [JUDGE]: judge
  }),
  /** Yields a schema whose values something else judges, which are then of type `T`. */
  Unsafe: <T>(schema: Schema): Schema<T> => schema as Schema<T>
}

export interface SchemaProblem {
  /** Within the value: empty, or `[1]`. */
  readonly path: string
  readonly message: string
  /** Of a text that fits its schema, and of which its judge told a problem. */
  readonly isJudged?: boolean
}

const NOUNS = {
  integer: ['a whole number', Number.isInteger],
  string: ['a text in quotes', (value: unknown) => typeof value === 'string'],
  boolean: ['true or false', (value: unknown) => typeof value === 'boolean'],
  array: ['a list in brackets', Array.isArray],
  object: [
    'a table',
    (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value)
  ]
} as const

/** What keeps a value from its schema: at most one problem of it, and of each item of a list. */
export function schemaProblems(schema: Schema, value: unknown): readonly SchemaProblem[] {
  const [noun, fits] = schema.type === undefined ? [] : NOUNS[schema.type]
  if (fits !== undefined && !fits(value)) return [{ path: '', message: `must be ${noun}` }]
  const message = boundProblem(schema, value)
  const own = message === undefined ? [] : [{ path: '', message }]
  if (typeof value === 'string' && message === undefined) {
    const judged = schema[JUDGE]?.(value)
    return judged === undefined ? [] : [{ path: '', message: judged, isJudged: true }]
  }
  const { items, maxItems = Infinity } = schema
  if (!Array.isArray(value) || items === undefined || value.length > maxItems) return own
  const inside = value.flatMap((item: unknown, n) =>
    schemaProblems(items, item).map(problem => ({ ...problem, path: `[${n}]${problem.path}` }))
  )
  return [...own, ...inside]
}

function boundProblem(schema: Schema, value: unknown): string | undefined {
  const { enum: values, minimum = -Infinity, maximum = Infinity } = schema
  if (values !== undefined && !values.includes(value as string)) return `must be one of ${values.join(', ')}`
  if (typeof value === 'number') {
    if (value < minimum) return `must be at least ${minimum}`
    if (value > maximum) return `must be at most ${maximum}`
  }
  const { maxLength = Infinity, minItems = 0, maxItems = Infinity, uniqueItems = false } = schema
  if (typeof value === 'string' && value.length > maxLength)
    return `must not have more than ${maxLength} characters`
  if (!Array.isArray(value)) return undefined
  if (value.length < minItems) return `must have at least ${minItems}`
  if (value.length > maxItems) return `must have at most ${maxItems}`
  if (uniqueItems && new Set(value).size < value.length) return 'has one of its items twice'
  return undefined
}
