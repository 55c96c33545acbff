import type { Libp2p } from '@libp2p/interface'
import type { DialerOptions } from '../transport/index.ts'

/** Makes what dials nodes: over TCP and WebSockets in Node, over WebSockets in browsers. */
export type CreateDialer = (options: DialerOptions) => Promise<Libp2p>
