/** What the end of an answer says about who gave it, and what follows from that. */
interface End {
  /** It is proved that the provider sent what it must not: no mistake of the line looks like that. */
  readonly isLie: boolean
  /** How often the same provider may be asked again within one fetch. */
  readonly retries: number
  /** How long others should rather be asked, in this fetch and those that follow. */
  readonly barMs: number
}

const end = (isLie: boolean, retries: number, barMs: number): End => ({ isLie, retries, barMs })

const SECOND = 1000
const HOUR = 3_600_000

/**
 * Why a provider gave no more; `done` and `outrun` are no failures.
 * @see specs/storage.md, section 5, for those that prove a provider wrong
 */
export const ENDS = {
  /** All that it was asked for came. */
  done: end(false, Infinity, 0),
  /** Another one brought the same before. */
  outrun: end(false, Infinity, 0),
  bad_block: end(true, 0, HOUR),
  block_oversize: end(true, 0, HOUR),
  dag_surplus: end(true, 0, HOUR),
  /** Its head said another length than the root, which is proved, says. */
  bad_head: end(true, 0, HOUR),
  /** The answer ended as if it were whole, before all had come. */
  dag_cut: end(false, 0, 30 * SECOND),
  /** Nothing that could be proved came in time. */
  stalled: end(false, 1, 30 * SECOND),
  /** The connection went away in the middle. */
  dropped: end(false, 2, 0),
  unreachable: end(false, 1, 10 * SECOND),
  /** It answered with an error that may pass, named beside this. */
  refused: end(false, 2, 0),
  /** It answered with an error that will not. */
  denied: end(false, 0, 0),
  not_found: end(false, 0, 0),
  /** It was not asked: it lied or stalled a short while ago. */
  barred: end(false, 0, 0)
} as const satisfies Record<string, End>

export type EndCode = keyof typeof ENDS
