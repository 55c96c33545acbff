import type { Connection } from '@libp2p/interface'
import type { Service } from '../protocols/index.ts'
import type { LoopWatch } from './guards/loop-delay.ts'
import type { Log } from './log.ts'
import type { Level } from './stores/level.ts'
import type { Clock, SupervisedPart } from './supervision.ts'

export interface NodeOptions {
  /** The data folder; without one, keys and store live as long as the process. */
  readonly data?: string | undefined
  /** Makes the data folder and its keys first where there are none; a start that fails removes what it made. */
  readonly init?: boolean | undefined
  /**
   * Keeps the store in memory although there is a data folder, whose tenants and rights it begins with. They hold, and
   * none can be changed: with a data folder, whatever would change one throws `conflict`.
   */
  readonly ephemeral?: boolean | undefined
  /** Services of an application's own, served beside the node's. */
  readonly services?: readonly Service[]
  readonly overrides?: NodeOverrides
}

export interface NodeOverrides {
  readonly log?: Log
  readonly clock?: Clock
  /** Opens the store in a folder, or for `memory` one that ends with the process; called again when it failed. */
  readonly openStore?: (location: string) => Promise<Level>
  /** Asked once for each new connection; one that it knows is no stranger's. */
  readonly isKnown?: (connection: Connection) => boolean
  /** Tells how late the event loop is, by which writes and calls are shed. */
  readonly loopDelay?: LoopWatch
  /** Where `AMS_*_TOKEN` are looked for; the environment of the process if missing. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Further parts to run and restart beside the node's own. */
  readonly parts?: readonly SupervisedPart[]
}
