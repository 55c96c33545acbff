import { LINKS } from './numbers.ts'

/** A connection whose handshake succeeded. */
export interface ProvenConnection {
  /** The peer id of its other end. */
  readonly peer: string
  /** The start of that node, as its handshake said. */
  readonly boot: string
  /** Whether this node dialled it. */
  readonly isOurs: boolean
  /** When its handshake succeeded, by a clock that never goes back. */
  readonly sinceMs: number
}

/** Which of two connections with one hub is its link; `probe`: the old one if it answers a probe, else the new one. */
export type Remaining = 'old' | 'new' | 'probe'

/**
 * Which of two connections with one hub remains. Two nodes that dial each other at the same time come to the same one,
 * each from its own side.
 * @param self The peer id of this node.
 * @see specs/federation-handshake.md, section 9
 */
export function remaining(
  old: ProvenConnection,
  fresh: ProvenConnection,
  { self, nowMs }: { readonly self: string; readonly nowMs: number }
): Remaining {
  if (old.peer !== fresh.peer || old.boot !== fresh.boot) return 'probe'
  if (old.isOurs === fresh.isOurs) return 'new'
  if (!fresh.isOurs && nowMs - old.sinceMs > LINKS.simultaneousMs) return 'new'
  return old.isOurs === self < old.peer ? 'old' : 'new'
}
