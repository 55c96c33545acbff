export { EQUIVOCATION_REFUSALS, judgeEquivocation } from './judgement.ts'
export type { PlacedKind, PlacedKinds, EquivocationRefusal, EquivocationVerdict } from './judgement.ts'
export { WITNESS } from './numbers.ts'
export {
  EQUIVOCATION_KINDS,
  checkpointsProof,
  consistencyProofOf,
  keysProof,
  parseEquivocation,
  equivocationId,
  equivocationLine,
  statementsProof
} from './equivocation.ts'
export type { Equivocation, EquivocationKind, StatementProofKind } from './equivocation.ts'
export { formatWitnessRequest, parseWitnessRequest } from './request.ts'
export type { WitnessRequest } from './request.ts'
export { contradicts, judgeGrowth, judgeWitnessing, openHead } from './witnessing.ts'
export type {
  GrowthVerdict,
  OpenedHead,
  SeenHead,
  SeenLog,
  WitnessAsked,
  WitnessMemory,
  WitnessRefusal,
  WitnessVerdict
} from './witnessing.ts'
