import type { Difference, treatyText } from '../node/index.ts'
import { dateText } from './moment.ts'
import { printable } from './terminal.ts'

type Value = Difference['here']

const list = (value: Value): string =>
  Array.isArray(value) ? value.join(', ') || 'none' : printable(String(value ?? 'none'))
const end = (value: Value): string => (typeof value === 'number' ? dateText(value) : 'never')

const SAYS: { readonly [W in Difference['what']]: (here: Value, there: Value) => string } = {
  only_here: () => 'the other hub has no such row, so nothing goes either way',
  only_there: () => 'only the other hub has such a row, so nothing goes either way',
  name: (here, there) => `is called ${list(here)} here and ${list(there)} there`,
  dir: (here, there) => `dir is ${list(here)} here and ${list(there)} there; each sees it from its own side`,
  out: (here, there) => `of what goes out only topics of both: ${list(here)} here, ${list(there)} there`,
  in: (here, there) => `of what comes in only topics of both: ${list(here)} here, ${list(there)} there`,
  relay: (here, there) => `relay is ${list(here)} here and ${list(there)} there; both must allow it`,
  window_s: (here, there) =>
    `the window is ${list(here)} s here and ${list(there)} s there; the smaller holds`,
  expires: (here, there) => `ends ${end(here)} here and ${end(there)} there; the earlier holds`
}

/** A treaty as this hub has it, and where it is known, what the other grants and where the two differ. */
export interface BothSides {
  readonly treaty: Parameters<typeof treatyText>[0]
  readonly theirs?: object
  readonly differences?: readonly Difference[]
}

/** What the body of an answer to `treaty_show` says. */
export const bothSides = (body: Uint8Array | undefined): BothSides =>
  JSON.parse(Buffer.from(body ?? []).toString()) as BothSides

/** Where both sides of a treaty differ, and what holds then, in one line. */
export function differenceText({ what, share, here, there }: Difference): string {
  const text = SAYS[what](here, there)
  return share === undefined ? text : `share ${share}: ${text}`
}
