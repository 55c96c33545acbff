import { DIRECTED } from './numbers.ts'

/** What is known when a delivery has failed. */
export interface FailedDelivery {
  /** Of this message, this one included; at least 1. */
  readonly attempt: number
  /** What the other hub asked for, whatever it says. */
  readonly retryAfterMs?: number | undefined
}

/** More change nothing, and stay far from what a number cannot hold. */
const DOUBLINGS = 20

/**
 * Milliseconds until a message is tried again: from the upper half of a time that doubles with each attempt from 1 to 60 s,
 * and no sooner than the other hub asks, of which at most 60 s count.
 * @param random From 0 up to 1.
 */
export function redeliveryDelayMs({ attempt, retryAfterMs = 0 }: FailedDelivery, random: number): number {
  const doublings = Math.min(Math.max(0, attempt - 1), DOUBLINGS)
  const bound = Math.min(DIRECTED.retryMsMost, DIRECTED.retryMs * 2 ** doublings)
  const asked = Number.isFinite(retryAfterMs) ? Math.min(DIRECTED.retryMsMost, Math.max(0, retryAfterMs)) : 0
  return Math.max(Math.round((bound * (1 + random)) / 2), Math.ceil(asked))
}
