/** Directions as the client sees them. */
export type Direction = 'up' | 'down'

/** What a proxied connection suffers. Bytes are counted from the connection's first one, each direction for itself. */
export interface LinkPlan {
  readonly up?: FlowPlan
  readonly down?: FlowPlan
}

export interface FlowPlan {
  readonly latencyMs?: number
  /** Up to this much more latency, drawn for each segment. TCP keeps the order, so a late segment holds up the rest. */
  readonly jitterMs?: number
  /** A lost segment arrives when TCP has sent it again: `stallMs` later, with all behind it. */
  readonly loss?: { readonly rate: number; readonly stallMs: number }
  readonly bytesPerSecond?: number
  /** From `fromByte` on, `bytes` pass at a time, with `everyMs` between them. */
  readonly dribble?: { readonly fromByte: number; readonly bytes: number; readonly everyMs: number }
  /** One bit of a segment is flipped, from `fromByte` on, in `rate` of the segments. */
  readonly corruption?: { readonly fromByte: number; readonly rate: number }
  /** What happens when the flow has let that many bytes through, in ascending order. */
  readonly cuts?: readonly Cut[]
}

export type Cut =
  | { readonly atByte: number; readonly kind: 'reset' | 'half-close' }
  | { readonly atByte: number; readonly kind: 'partition'; readonly ways: Ways; readonly forMs: number }

/** Which directions a partition silences. */
export type Ways = Direction | 'both'

/** What Ethernet leaves of a packet for TCP's payload: losses, jitter and corruption are drawn once for each. */
export const SEGMENT_BYTES = 1448

export const silences = (ways: Ways, direction: Direction): boolean => ways === 'both' || ways === direction

/** A plan that harms nothing. */
export const CLEAR: LinkPlan = {}

/** The same harm in both directions. */
export const bothWays = (flow: FlowPlan): LinkPlan => ({ up: flow, down: flow })
