/** What strangers did and what became of it, as their process counts it since the attack began. */
export interface Pressed {
  /** Connections that were dialled, and those that came up. */
  readonly attempts: number
  readonly connections: number
  /** The most that were up at once. */
  readonly mostAtOnce: number
  /** Dials that the node refused, let wait for too long, or closed at once. */
  readonly refusals: number
  /** Connections that came up and that the node closed: strangers close none. */
  readonly thrownOut: number
  readonly streamsOpened: number
  /** Streams that the node reset, and answers with an error of the node, by status. */
  readonly resets: number
  readonly statuses: Readonly<Record<string, number>>
}

/** What the node said of itself while it was attacked: the most of each that was seen. */
export interface Held {
  readonly heldBytes: number
  readonly strangers: number
}

const BUDGET_BYTES = 64 * 1024 * 1024
/** Of the strangers, this share must have been connected at once: else the load says nothing of a node under attack. */
const CONNECTED_LEAST = 0.5

/** Why a load of `many` strangers shows nothing, or shows that the node's bounds do not hold; empty if it shows that they do. */
export function strangersProblems(many: number, pressed: Pressed, held: Held): readonly string[] {
  const { mostAtOnce, connections, streamsOpened } = pressed
  const least = Math.ceil(many * CONNECTED_LEAST)
  return [
    ...(mostAtOnce < least
      ? [`${mostAtOnce} strangers were connected at once, fewer than ${least} of ${many}: nobody pressed`]
      : []),
    ...(streamsOpened < connections
      ? [`${streamsOpened} streams on ${connections} connections: nobody pressed`]
      : []),
    ...(boundsMet(pressed).length === 0 ? ['no stranger met a bound'] : []),
    ...(held.strangers === 0 ? ['the node saw no strangers: it counts them among others'] : []),
    ...(held.heldBytes > BUDGET_BYTES
      ? [`the node held ${held.heldBytes} bytes of what came in, more than its budget of ${BUDGET_BYTES}`]
      : [])
  ]
}

/** Which bounds strangers met, and how often: `17 connections refused`, `3 answers of 408`. */
export function boundsMet({ refusals, thrownOut, resets, statuses }: Pressed): readonly string[] {
  const counts: readonly (readonly [number, string])[] = [
    [refusals, 'connections refused'],
    [thrownOut, 'connections closed by the node'],
    [resets, 'streams reset'],
    ...Object.entries(statuses).map(([status, count]) => [count, `answers of ${status}`] as const)
  ]
  return counts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`)
}
