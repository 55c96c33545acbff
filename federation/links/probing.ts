import { LINKS } from './numbers.ts'

/** What is known of the other end of a link. */
export interface Heard {
  /** When something last came from it, by a clock that never goes back. */
  readonly heardMs: number
}

/** Whether a link has been silent for so long that its other end is to be asked. */
export const isProbeDue = ({ heardMs }: Heard, nowMs: number): boolean =>
  nowMs - heardMs >= LINKS.probeAfterMs
