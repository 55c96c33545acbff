import { capabilityAdminOperations, decodeRecord, parseJson } from '../../protocols/index.ts'
import type { Client } from '../../protocols/index.ts'
import { OPERATOR_CALL, capabilityAdmin } from './admin-handlers.ts'
import type { Capabilities } from './capabilities.ts'

/** The operator's rows as functions, whether a node answers them or this process does. */
export type CapabilityClient = Client<typeof capabilityAdminOperations>

/** The operator's rows without a node between: requests are bounded as they are on the admin socket. */
export function directClient(capabilities: Capabilities): CapabilityClient {
  const handlers = capabilityAdmin(capabilities)
  const methods = Object.entries(capabilityAdminOperations).map(([op, { request: codec }]) => [
    op,
    async (request: never) => {
      const handler = handlers[op as keyof typeof handlers] as (asked: unknown, call: unknown) => unknown
      return handler(bounded(codec, op, request), OPERATOR_CALL)
    }
  ])
  return Object.fromEntries(methods) as CapabilityClient
}

type Codec = (typeof capabilityAdminOperations)[keyof typeof capabilityAdminOperations]['request']

/** What would come out at the other end of a socket. */
function bounded(codec: Codec, op: string, request: never): unknown {
  const { head, body } = codec.encode(op, request, {})
  const header = codec.takesBody ? decodeRecord(Buffer.concat([head, body])).header : parseJson(head)
  return codec.decode(header, body)
}
