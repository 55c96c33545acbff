/** As W3C Trace Context writes version 00, with the id of the trace; neither id is all zeros, and there is no version ff. */
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/

/** What of the headers of a request goes on: undefined for what is no traceparent. */
export const traceparentOf = ({ traceparent }: Readonly<Record<string, unknown>>): string | undefined =>
  typeof traceparent === 'string' && TRACEPARENT.test(traceparent) ? traceparent : undefined

/** The id of a trace as logs have it; nothing for what is no traceparent. */
export function traced(traceparent: string | undefined): { readonly trace_id?: string } {
  const id = TRACEPARENT.exec(traceparent ?? '')?.[1]
  return id === undefined ? {} : { trace_id: id }
}
