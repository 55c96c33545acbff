import { capabilityAdminOperations, decodeRecord, parseJson } from '../../protocols/index.ts'
import type { CallOptions, Client, Handlers, Operation, Operations } from '../../protocols/index.ts'
import { OPERATOR_CALL, capabilityAdmin } from './admin-handlers.ts'
import type { Capabilities } from './capabilities.ts'

/** The operator's rows as functions, whether a node answers them or this process does. */
export type CapabilityClient = Client<typeof capabilityAdminOperations>

/** The operator's rows without a node between: requests are bounded as they are on the admin socket. */
export function directClient(capabilities: Capabilities): CapabilityClient {
  return directOver(capabilityAdminOperations, capabilityAdmin(capabilities))
}

/** The rows of any table, answered by this process on behalf of the operator. */
export function directOver<O extends Operations>(operations: O, handlers: Handlers<O>): Client<O> {
  const methods = Object.entries(operations).map(([op, { request: codec }]) => [
    op,
    async (request: never, { signal = OPERATOR_CALL.signal }: CallOptions = {}) => {
      const handler = handlers[op] as (asked: unknown, call: unknown) => unknown
      return handler(bounded(codec, op, request), { ...OPERATOR_CALL, signal })
    }
  ])
  return Object.fromEntries(methods) as Client<O>
}

type Codec = Operation['request']

/** What would come out at the other end of a socket. */
function bounded(codec: Codec, op: string, request: never): unknown {
  const { head, body } = codec.encode(op, request, {})
  const header = codec.takesBody ? decodeRecord(Buffer.concat([head, body])).header : parseJson(head)
  return codec.decode(header, body)
}
