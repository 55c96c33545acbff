import type { FlowPlan } from './fault-plan.ts'
import { SEGMENT_BYTES } from './fault-plan.ts'
import { draw } from './random.ts'

export interface SegmentFate {
  readonly delayMs: number
  /** Where in the flow one bit is flipped, and which. */
  readonly flip: { readonly atByte: number; readonly mask: number } | undefined
}

const JITTER = 1
const LOSS = 2
const CORRUPTION = 3
const PLACE = 4
const BIT = 5

/** What happens to a flow's segment: decided by plan, seed and number alone. */
export function segmentFate(plan: FlowPlan, seed: number, segment: number): SegmentFate {
  const { latencyMs = 0, jitterMs = 0, loss } = plan
  const isLost = loss !== undefined && draw(seed, segment, LOSS) < loss.rate
  const delayMs = latencyMs + jitterMs * draw(seed, segment, JITTER) + (isLost ? loss.stallMs : 0)
  return { delayMs, flip: flipIn(plan, seed, segment) }
}

function flipIn({ corruption }: FlowPlan, seed: number, segment: number): SegmentFate['flip'] {
  if (corruption === undefined) return undefined
  const from = Math.max(corruption.fromByte, segment * SEGMENT_BYTES)
  const room = (segment + 1) * SEGMENT_BYTES - from
  if (room <= 0 || draw(seed, segment, CORRUPTION) >= corruption.rate) return undefined
  const atByte = from + Math.floor(draw(seed, segment, PLACE) * room)
  return { atByte, mask: 1 << Math.floor(draw(seed, segment, BIT) * 8) }
}
