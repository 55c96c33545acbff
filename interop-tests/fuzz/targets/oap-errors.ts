import { OapError } from 'omnigate/protocols'

/** What `run` gives, or the OapError that it throws; any other error passes. */
export function attempt<T>(run: () => T): { readonly value: T } | { readonly refused: OapError } {
  try {
    return { value: run() }
  } catch (error) {
    if (error instanceof OapError) return { refused: error }
    throw error
  }
}
