/**
 * Rules that a simulation can have every honest hub break, and the invariant that must then be named:
 *   forget     what was settled is forgotten at a restart
 *   no-rounds  hubs hear announcements and never ask what there is
 *   early      writes are answered before they are made
 *   open       whoever asks for a share is answered as a member of it
 *   trusting   a proof is taken as it is told, and judged by nobody
 *   secretive  a proof is told to nobody
 *   unaware    a hub that is restored numbers on as if nothing had happened
 *   skips      a number is taken and no message written for it
 *   eager      each announcement is followed by a call at once, however many are under way
 */
export const BREAKAGES = {
  forget: 'once',
  'no-rounds': 'everywhere',
  early: 'everywhere',
  open: 'outsiders',
  trusting: 'honest',
  secretive: 'liars',
  unaware: 'honest',
  skips: 'numbers',
  eager: 'memory'
} as const

export type Breakage = keyof typeof BREAKAGES

/** What is promised of honest hubs, each by the name under which a run says that it did not hold. */
export const INVARIANTS = {
  everywhere: 'what one honest hub of a share accepted of another, each has after healing',
  once: 'no hub has a message twice',
  outsiders:
    'a hub outside of a share learns neither its id, its topics nor its bodies, but by a proof against one of it',
  liars:
    'after healing a hub that signed two messages of one number is in quarantine wherever a neighbour has proof',
  honest: 'no honest hub is in quarantine, also none that was restored',
  numbers: 'an honest hub has a message of its own for each number that it gave',
  memory: 'what a hub keeps in memory has its bound'
} as const

export type Invariant = keyof typeof INVARIANTS

export interface Violation {
  readonly invariant: Invariant
  readonly detail: string
}
