import type { NodeStatus } from 'omnigate'

/** What the node's process is asked over IPC. */
export interface Ask {
  readonly id: number
  readonly what: 'status' | 'settle' | 'pushed' | 'delay'
}

export interface Answer {
  readonly id: number
  readonly value: unknown
}

export type Ready = { readonly ready: NodeStatus }

/** Callers from addresses that begin so are known to the node. */
export const KNOWN_NETWORK = '127.7.7.'
