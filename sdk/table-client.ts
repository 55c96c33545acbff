import type {
  CallOptions,
  Client,
  Operation,
  Operations,
  ServiceTable,
  StreamedResult,
  UploadOptions
} from '../protocols/index.ts'
import { bodyOnce } from './body-once.ts'
import type { Calls, HubCallOptions } from './calls.ts'
import type { Wire } from './wire.ts'

type AnyMethod = (request: unknown, options?: CallOptions) => Promise<unknown>

/**
 * The client of a table whose calls are repeated where that is safe: operations that do not write, and requests with an
 * `idem_key`.
 */
export function tableClient<O extends Operations>(
  table: ServiceTable<O>,
  wire: Wire,
  calls: Calls
): Client<O> {
  const methods = Object.entries(table.operations).map(([op, row]) => {
    const run = wire.method(table.app, op, row) as AnyMethod
    return [op, (request: unknown, options: UploadOptions = {}) => called(row, run, calls, request, options)]
  })
  return Object.fromEntries(methods) as Client<O>
}

function called(
  row: Operation,
  run: AnyMethod,
  calls: Calls,
  request: unknown,
  options: UploadOptions & HubCallOptions
): Promise<unknown> {
  const isRepeatable = options.body === undefined && (row.writes !== true || hasKey(request))
  const { body, isSpent } = bodyOnce(options.body)
  const make = (call: CallOptions): Promise<unknown> => {
    const uploading: UploadOptions = { ...options, body, ...call }
    return run(request, uploading)
  }
  const calling = { traceparent: options.trace, ...options, isSpent }
  if (row.kind === 'unary') return calls.unary(calling, isRepeatable, make)
  return calls.streamed(calling, isRepeatable, async (call, reading) => {
    const opened = await make(call)
    if (row.kind === 'subscription') return reading.of(opened as AsyncIterable<unknown>)
    const { head, body } = opened as StreamedResult<unknown>
    return { head, body: reading.of(body) }
  })
}

/** True for a request with an `idem_key`, and for a batch whose every item has one. */
function hasKey(request: unknown): boolean {
  if (typeof request !== 'object' || request === null) return false
  if ('items' in request && Array.isArray(request.items)) return request.items.every(hasOwnKey)
  return hasOwnKey(request)
}

const hasOwnKey = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'idem_key' in value && value.idem_key !== undefined
