import { NUMBERED, SNAPSHOT_PLACE, judgeEquivocation } from '../../federation/index.ts'
import type { EquivocationVerdict, PlacedKinds } from '../../federation/index.ts'

/** The kinds of statements that proofs may be of, besides heads of logs and what hub keys sign. */
export const PLACED_KINDS: PlacedKinds = { numbers: NUMBERED, snapshots: SNAPSHOT_PLACE }

/** Whether a line proves that its hub said two things, as a node judges it. Needs no node, no network and no clock. */
export const judgeProofLine = (line: string): EquivocationVerdict => judgeEquivocation(line, PLACED_KINDS)
