import type { Tally } from '../../http/caller.ts'

/** Of what a caller within its limits asks, so much is answered. */
const LEAST_ANSWERED = 0.9

export interface Judged {
  readonly name: string
  readonly tally: Tally
}

/**
 * What is wrong with how those within their limits, and who floods, were served. `isFull` also asks that those within were
 * answered, which a short run on a busy machine does not show.
 */
export function citizenProblems(citizens: readonly Judged[], flood: Judged, isFull: boolean): string[] {
  return [
    ...citizens.flatMap(({ name, tally }) => [
      ...(tally.refused.has(429) ? [`429 ${name}`] : []),
      ...(isFull && tally.good < LEAST_ANSWERED * tally.asked
        ? [`${name}: ${tally.good} of ${tally.asked} answered`]
        : [])
    ]),
    ...[...citizens, flood].flatMap(({ name, tally: { wrong } }) =>
      wrong.length === 0 ? [] : [`${name}: ${wrong[0]}`]
    ),
    ...(flood.tally.refused.has(429) ? [] : ['the flood saw no 429'])
  ]
}
