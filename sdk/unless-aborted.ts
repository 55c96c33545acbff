/** What `ending` yields, or the reason of `signal` if that comes first; `ending` goes on by itself then. */
export async function unlessAborted<T>(ending: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return ending
  const gone = Promise.withResolvers<never>()
  const onAbort = (): void => gone.reject(signal.reason)
  signal.addEventListener('abort', onAbort)
  if (signal.aborted) onAbort()
  try {
    return await Promise.race([ending, gone.promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
