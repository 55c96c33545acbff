/** What finds a call: `corr_id` in the logs of both sides, the trace wherever the call led to others. */
export function namesOf(corrId: bigint | undefined, traceparent?: string): string {
  const corr = corrId === undefined ? '?' : corrId.toString(16).padStart(16, '0')
  const trace = traceparent?.split('-')[1]
  return trace === undefined ? `corr_id=${corr}` : `corr_id=${corr} trace=${trace}`
}
