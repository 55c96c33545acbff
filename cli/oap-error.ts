/** True for an OapError of any class, known by its members: nothing need be loaded for that. */
export const isOapError = (error: unknown): error is Error =>
  error instanceof Error && 'counted' in error && 'status' in error && 'retryable' in error
