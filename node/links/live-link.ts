import type { Connection } from '@libp2p/interface'
import type { Established } from '../../federation/index.ts'
import type { ConnectionCaller, ConnectionState } from '../../protocols/index.ts'
import type { LINK_ENDS } from '../audit/index.ts'

/** Why a link ended; the words of the audit log. @see specs/federation-handshake.md, section 9 */
export type LinkEnd = (typeof LINK_ENDS)[number]

/** One live relation with another hub: its connection, and what its handshake proved. */
export interface LiveLink {
  readonly hub: string
  readonly connection: Connection
  /** What sessions and guards know the connection by. */
  readonly state: ConnectionState
  /** Calls of this hub to the other. */
  readonly caller: ConnectionCaller
  readonly peer: Established
  /** Since when, by a clock that never goes back, in milliseconds. */
  readonly sinceMs: number
  /** The same in Unix seconds. */
  readonly sinceS: number
}
