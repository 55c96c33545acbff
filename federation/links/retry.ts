import { LINKS } from './numbers.ts'

/** What is known of the attempts to reach a hub. */
export interface Attempts {
  /** In a row, this one included; at least 1. */
  readonly failures: number
  /** Whether the last one was refused, by either side, for what lasts until an operator acts. */
  readonly wasRefused: boolean
}

/**
 * Milliseconds to wait before the next dial: from the upper half of a time that doubles with each failure up to a bound,
 * so that hubs which lost each other at once do not come back at once.
 * @param random From 0 up to 1.
 */
export function retryDelayMs({ failures, wasRefused }: Attempts, random: number): number {
  const [first, most] = wasRefused
    ? [LINKS.refusedRetryMs, LINKS.refusedRetryMsMost]
    : [LINKS.retryMs, LINKS.retryMsMost]
  const bound = Math.min(most, first * 2 ** Math.min(Math.max(0, failures - 1), DOUBLINGS))
  return Math.round((bound * (1 + random)) / 2)
}

/** More change nothing, and stay far from what a number cannot hold. */
const DOUBLINGS = 20
