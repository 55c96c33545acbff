const TRACE_BYTES = 16
const SPAN_BYTES = 8

/** The W3C traceparent of a new trace, sampled: for programs that have no tracing of their own. */
export const newTraceparent = (): string => `00-${hex(TRACE_BYTES)}-${hex(SPAN_BYTES)}-01`

// An id of zeros alone means none; its first byte is never 0.
function hex(bytes: number): string {
  const random = crypto.getRandomValues(new Uint8Array(bytes))
  random[0] = random[0]! | 1
  return Array.from(random, byte => byte.toString(16).padStart(2, '0')).join('')
}
