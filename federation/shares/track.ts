import { SHARES } from './numbers.ts'
import { type Range, type Ranges, clip, countOf, holds, join, meet, minus } from './ranges.ts'

/**
 * What a hub has settled of one series: an origin's numbers for one share, which begin at 1 and leave none out. A number
 * is settled once its message is delivered, or refused for good, and never comes again.
 */
export interface Track {
  /** The lowest number that is not given up. */
  readonly first: number
  /** The highest that is settled; one less than `first` where none is. */
  readonly last: number
  /** Between them, not settled. */
  readonly missing: Ranges
}

/** What another hub says that it has of a series; its `missing` lies between `first` and `last`. */
export type Offer = Track

export const NEW_TRACK: Track = { first: 1, last: 0, missing: [] }

/** Also true for what is given up. */
export const isSettled = ({ first, last, missing }: Track, number: number): boolean =>
  number < first || (number <= last && !holds(missing, number))

/** With one number more. */
export const settle = (track: Track, number: number): Track => settleAll(track, [number, number])

/** With a whole stretch more. */
export function settleAll(track: Track, range: Range): Track {
  const [from, to] = [Math.max(range[0], track.first), range[1]]
  if (from > to) return track
  const { first, last, missing } = track
  const gap: Ranges = from > last + 1 ? [[last + 1, from - 1]] : []
  return { first, last: Math.max(last, to), missing: [...minus(missing, [[from, to]]), ...gap] }
}

/**
 * With settled numbers missing again, from the lowest on, as far as half of the stretches that are kept go; `rest` is the
 * number from which on the others lie.
 */
export function reopen(
  track: Track,
  ranges: Ranges
): { readonly track: Track; readonly rest: number | undefined } {
  let { missing } = track
  for (const range of clip(ranges, track.first, track.last)) {
    const more = join(missing, [range])
    if (more.length > SHARES.stretches / 2 && more.length > missing.length)
      return { track: { ...track, missing }, rest: range[0] }
    missing = more
  }
  return { track: { ...track, missing }, rest: undefined }
}

/** Whether more stretches are missing than are kept: what would lead there has to wait. */
export const isScattered = ({ missing }: Track): boolean => missing.length > SHARES.stretches

/** What a hub says that it has: as far as the stretches that one row may name go. */
export function offerOf({ first, last, missing }: Track): Offer {
  const beyond = missing[SHARES.stretches]
  if (beyond === undefined) return { first, last, missing }
  return { first, last: beyond[0] - 1, missing: missing.slice(0, SHARES.stretches) }
}

/** Gives up what lies below `first`, and says how much of it was never settled. */
export function giveUp(track: Track, first: number): { readonly track: Track; readonly gap: number } {
  if (first <= track.first) return { track, gap: 0 }
  const below = countOf(clip(track.missing, track.first, first - 1)) + Math.max(0, first - 1 - track.last)
  return {
    track: {
      first,
      last: Math.max(track.last, first - 1),
      missing: clip(track.missing, first, Number.MAX_SAFE_INTEGER)
    },
    // Who had none of a series before has not lost what was over by then.
    gap: track.last < track.first ? 0 : Math.min(below, SHARES.ahead)
  }
}

/** What is asked for of an offer, ascending; no more than `SHARES.ahead` beyond what is known. */
export function wanted(track: Track, offer: Offer): Ranges {
  const { last, missing } = track
  const end = Math.min(offer.last, last + SHARES.ahead)
  const lacking: Ranges = end > last ? [...missing, [last + 1, end]] : missing
  return meet(lacking, minus([[offer.first, offer.last]], offer.missing))
}

/** How many numbers of those that somebody claims are not settled. */
export const lagOf = ({ last, missing }: Track, claimed: number): number =>
  countOf(missing) + Math.min(Math.max(0, claimed - last), SHARES.ahead)
