import { ClientSession, DEFAULT_LIMITS, OapError, callable } from '../../protocols/index.ts'
import type {
  ByteStream,
  ConnectionState,
  InboundBudget,
  Method,
  Operations,
  ServiceTable
} from '../../protocols/index.ts'
import { nodePlatform } from '../platform.ts'
import { streamPair } from './stream-pair.ts'

/** Serves a stream of OAP, as it serves those of peers. */
export interface CallHost {
  serve(stream: ByteStream, connection: ConnectionState, onClose: () => void): void
}

/** Operations of this node as functions, in the name of one caller. */
export type InnerCalls = <O extends Operations, K extends keyof O & string>(
  table: ServiceTable<O>,
  op: K
) => Method<O[K]>

/** The capability of the next call, if there is one. */
export type CapOf = () => Uint8Array | undefined

/** The other half holds the same bytes against the node's budget. */
const unbounded: InboundBudget = { isSpent: false, reserve: () => true, hold() {}, release() {}, onRoom() {} }

/**
 * Calls to the services of this node, each over a stream of its own inside the process. So whatever holds for the call of a
 * peer holds for these: guards, quotas, deadlines, revocation while it runs, and how the node drains.
 */
export function innerCalls(host: CallHost, connection: ConnectionState, capOf: CapOf): InnerCalls {
  const open = (cap: Uint8Array | undefined): ClientSession => {
    const [theirs, ours] = streamPair()
    host.serve(theirs, connection, () => undefined)
    return new ClientSession(ours, {
      platform: nodePlatform,
      budget: unbounded,
      limits: () => connection.limits ?? DEFAULT_LIMITS,
      mayCompress: () => false,
      cap: () => cap,
      isOwn: true
    })
  }
  return ((table, op) => {
    const row = table.operations[op]!
    return async (request: unknown, options: object = {}) => {
      const session = open(capOf())
      const method = callable(table.app, op, row, {
        shared: () => session,
        own: () => Promise.resolve(session)
      }) as (request: unknown, options: object) => Promise<unknown>
      try {
        return await method(request, options)
      } catch (error) {
        if (session.isUnused) session.reset(new OapError('deadline', 'nothing was asked'))
        throw error
      }
    }
  }) as InnerCalls
}
