let strays: unknown[] = []

/** Gathers what is thrown where nobody awaits it, so that it counts against the input that caused it. */
export function gatherStrays(): void {
  const keep = (error: unknown): void => void strays.push(error)
  process.on('unhandledRejection', keep)
  process.on('uncaughtException', keep)
}

/** What was gathered since it was last asked. */
export function strayFaults(): unknown[] {
  const found = strays
  if (found.length > 0) strays = []
  return found
}
