/** Says what is wrong with what stands at a path, as `rows[2].share.id`; the path is empty for the whole. */
export type Tell = (path: string, why: string) => undefined

/** Judges a value and all that it holds. What it gives means nothing once it has told of a problem. */
export type Form<T> = (value: unknown, path: string, tell: Tell) => T | undefined

export type Forms = Readonly<Record<string, Form<unknown>>>
export type Formed<F> = F extends Form<infer T> ? T : never
type Members<R extends Forms> = { readonly [K in keyof R]: Formed<R[K]> }

const MAX_NAME_CHARS = 64

/** What a value is, or all that is wrong with it, each with its path. */
export function readForm<T>(
  form: Form<T>,
  value: unknown
): { readonly value: T } | { readonly problems: readonly string[] } {
  const problems: string[] = []
  const read = form(value, '', (path, why) => {
    problems.push(path === '' ? why : `${path}: ${why}`)
  })
  return problems.length > 0 ? { problems } : { value: read as T }
}

/** The value in a form. @throws SyntaxError with all that is wrong with it. */
export function formed<T>(form: Form<T>, value: unknown): T {
  const read = readForm(form, value)
  if ('problems' in read) throw new SyntaxError(read.problems.join('; '))
  return read.value
}

/** An object with all of the `required` members, any of the `optional` ones, and no other. */
export const exactly =
  <R extends Forms, O extends Forms = {}>(
    required: R,
    optional?: O
  ): Form<Members<R> & Partial<Members<O>>> =>
  (value, path, tell) => {
    for (const name of isObject(value) ? Object.keys(value) : []) {
      if (!Object.hasOwn(required, name) && !Object.hasOwn(optional ?? {}, name))
        tell(path, `unknown member ${JSON.stringify(name.slice(0, MAX_NAME_CHARS))}`)
    }
    return atLeast(required, optional)(value, path, tell)
  }

/** The same, where other members are not looked at. */
export const atLeast =
  <R extends Forms, O extends Forms = {}>(
    required: R,
    optional?: O
  ): Form<Members<R> & Partial<Members<O>>> =>
  (value, path, tell) => {
    if (!isObject(value)) return tell(path, `expected an object of ${Object.keys(required).join(', ')}`)
    const members: Record<string, unknown> = {}
    for (const [name, form] of [...Object.entries(required), ...Object.entries(optional ?? {})]) {
      const at = path === '' ? name : `${path}.${name}`
      if (Object.hasOwn(value, name)) members[name] = form(value[name], at, tell)
      else if (Object.hasOwn(required, name)) tell(at, 'missing')
    }
    return members as Members<R> & Partial<Members<O>>
  }

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** An array of `least` to `most` values, each of the form. The length is judged before any value. */
export const listOf =
  <T>(form: Form<T>, most: number, least = 0): Form<readonly T[]> =>
  (value, path, tell) => {
    if (!Array.isArray(value)) return tell(path, 'expected a list')
    if (value.length < least || value.length > most)
      return tell(path, `expected ${least} to ${most} values, found ${value.length}`)
    return value.map((item, n) => form(item, `${path}[${n}]`, tell) as T)
  }

/** A list of the form in strictly ascending order, texts by their code units. */
export const ascending =
  <T extends string | number>(form: Form<readonly T[]>): Form<readonly T[]> =>
  (value, path, tell) => {
    const items = form(value, path, tell)
    if (items?.some((item, n) => n > 0 && !(items[n - 1]! < item)) === true)
      return tell(path, 'not ascending')
    return items
  }

/** A text that matches; `what` names it. */
export const textOf =
  (pattern: RegExp, what: string): Form<string> =>
  (value, path, tell) =>
    typeof value === 'string' && pattern.test(value) ? value : tell(path, `not ${what}`)

/** A text for people: one well-formed line of at most so many UTF-8 bytes; may be empty. */
export const lineOfText =
  (maxBytes: number): Form<string> =>
  (value, path, tell) => {
    if (typeof value !== 'string' || !value.isWellFormed() || /\p{Cc}/u.test(value))
      return tell(path, 'not one line of text')
    if (value.length > maxBytes || Buffer.byteLength(value) > maxBytes)
      return tell(path, `longer than ${maxBytes} bytes`)
    return value
  }

/** A whole number from `least` to `most`. */
export const whole =
  (least: number, most: number = Number.MAX_SAFE_INTEGER): Form<number> =>
  (value, path, tell) =>
    typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most
      ? value
      : tell(path, `not a whole number from ${least} to ${most}`)

/** One of some texts. */
export const oneOf =
  <const T extends string>(...choices: readonly T[]): Form<T> =>
  (value, path, tell) =>
    choices.includes(value as T) ? (value as T) : tell(path, `not one of ${choices.join(', ')}`)

export const flag: Form<boolean> = (value, path, tell) =>
  typeof value === 'boolean' ? value : tell(path, 'not true or false')
