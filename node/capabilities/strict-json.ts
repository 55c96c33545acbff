export type Members = Readonly<Record<string, unknown>>

/** The members of an object that has exactly these; names in alphabetical order. @throws SyntaxError */
export function exactly(value: unknown, names: readonly string[]): Members {
  if (typeof value !== 'object' || value === null || Object.keys(value).sort().join() !== names.join())
    throw new SyntaxError(`expected an object of ${names.join(', ')}`)
  return value as Members
}

/** A text member of a form. @throws SyntaxError */
export function matching(members: Members, name: string, form: RegExp): string {
  const value = members[name]
  if (typeof value !== 'string' || !form.test(value)) throw new SyntaxError(`${name}: wrong form`)
  return value
}

/** A whole number from `least` to `most`. @throws SyntaxError */
export function whole(
  members: Members,
  name: string,
  least: number,
  most: number = Number.MAX_SAFE_INTEGER
): number {
  const value = members[name]
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least || value > most)
    throw new SyntaxError(`${name}: not a whole number in bounds`)
  return value
}
