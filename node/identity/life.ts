const DAY_S = 86_400
/** As long as a key is meant to live unless the operator says otherwise. */
export const DEFAULT_DAYS = 3650
const MOST_DAYS = 36_500

/** The end of a delegation that begins now. @throws RangeError for days out of bounds */
export function notAfter(nowS: number, days = DEFAULT_DAYS): number {
  if (!Number.isInteger(days) || days < 1 || days > MOST_DAYS)
    throw new RangeError(`days: a whole number from 1 to ${MOST_DAYS}`)
  return nowS + days * DAY_S
}
