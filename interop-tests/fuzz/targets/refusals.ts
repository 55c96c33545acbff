/** What `read` gives; undefined where it throws one of these errors. Any other passes. */
export function unless<T>(
  read: () => T,
  ...errors: readonly (new (...args: never[]) => Error)[]
): T | undefined {
  try {
    return read()
  } catch (error) {
    if (errors.some(one => error instanceof one)) return undefined
    throw error
  }
}
