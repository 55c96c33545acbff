import { SetupError } from '../setup-error.ts'

const DAY_S = 86_400
/** As long as a key is meant to live unless the operator says otherwise. */
const DEFAULT_DAYS = 3650
const MOST_DAYS = 36_500

/** What the operator says of a delegation that the hub key is to sign. */
export interface Life {
  /** How long it holds; out of bounds is a RangeError. */
  readonly days?: number
  /**
   * Its epoch, for who knows that the hub has signed for later ones than this folder tells of, as after a restore: two
   * delegations for one epoch are proof against the hub. Without it the next one.
   */
  readonly epoch?: number
}

/** The end of a delegation that begins now. @throws RangeError for days out of bounds */
export function notAfter(nowS: number, days = DEFAULT_DAYS): number {
  if (!Number.isInteger(days) || days < 1 || days > MOST_DAYS)
    throw new RangeError(`days: a whole number from 1 to ${MOST_DAYS}`)
  return nowS + days * DAY_S
}

/** The epoch to sign for after the last one known. @throws SetupError `usage` for one that is over */
export function nextEpoch(last: number, { epoch = last + 1 }: Life): number {
  if (epoch > last) return epoch
  throw new SetupError('usage', `--epoch ${epoch}: the hub key has signed for epoch ${last} already`)
}
