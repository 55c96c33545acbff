import type { Cut, FlowPlan } from './fault-plan.ts'
import { SEGMENT_BYTES } from './fault-plan.ts'
import { segmentFate } from './segment-fate.ts'
import type { SegmentFate } from './segment-fate.ts'

/** The flow's next step and when to take it; `flip.atByte` counts within the bytes let through. */
export type Step =
  | {
      readonly kind: 'pass'
      readonly atMs: number
      readonly bytes: number
      readonly flip: SegmentFate['flip']
    }
  | { readonly kind: 'cut'; readonly atMs: number; readonly cut: Cut }
  | { readonly kind: 'end'; readonly atMs: number }

interface Arrival {
  readonly upTo: number
  readonly atMs: number
}

/** Decides what of a flow passes when: told of arrivals, asked for steps. It holds no bytes and knows no clock. */
export class FlowSchedule {
  #plan: FlowPlan
  readonly #seed: number
  #arrivals: Arrival[] = []
  #arrived = 0
  #passed = 0
  #cutsDone = 0
  #lastMs = 0
  #freeAtMs = 0
  #endedAtMs: number | undefined
  #next: Step | undefined

  constructor(plan: FlowPlan, seed: number) {
    this.#plan = plan
    this.#seed = seed
  }

  arrived(bytes: number, nowMs: number): void {
    this.#arrived += bytes
    this.#arrivals.push({ upTo: this.#arrived, atMs: nowMs })
  }

  /** The sender has ended its half. */
  ended(nowMs: number): void {
    this.#endedAtMs ??= nowMs
  }

  /** Nothing further is harmed, and what waits passes at once. */
  clear(): void {
    this.#plan = {}
    this.#next = undefined
    this.#lastMs = this.#freeAtMs = 0
  }

  /** The step to take next, the same until it is taken; undefined until something arrives. */
  next(): Step | undefined {
    this.#next ??= this.#cut() ?? this.#pass() ?? this.#end()
    return this.#next
  }

  take(): void {
    const step = this.#next
    this.#next = undefined
    if (step === undefined) return
    this.#lastMs = step.atMs
    if (step.kind === 'cut') this.#cutsDone++
    if (step.kind === 'end') this.#endedAtMs = Infinity
    if (step.kind !== 'pass') return
    this.#passed += step.bytes
    this.#freeAtMs = step.atMs + this.#pauseMs(step.bytes)
    while (this.#arrivals[0] !== undefined && this.#arrivals[0].upTo <= this.#passed) this.#arrivals.shift()
  }

  #cut(): Step | undefined {
    const cut = this.#nextCut()
    return cut?.atByte === this.#passed ? { kind: 'cut', atMs: this.#lastMs, cut } : undefined
  }

  #pass(): Step | undefined {
    const arrival = this.#arrivals[0]
    if (arrival === undefined) return undefined
    const segment = Math.floor(this.#passed / SEGMENT_BYTES)
    const { delayMs, flip } = segmentFate(this.#plan, this.#seed, segment)
    const upTo = Math.min(arrival.upTo, (segment + 1) * SEGMENT_BYTES, this.#boundary())
    const atMs = Math.max(arrival.atMs + delayMs, this.#lastMs, this.#freeAtMs)
    const hits = flip !== undefined && flip.atByte >= this.#passed && flip.atByte < upTo
    return {
      kind: 'pass',
      atMs,
      bytes: upTo - this.#passed,
      flip: hits ? { ...flip, atByte: flip.atByte - this.#passed } : undefined
    }
  }

  #end(): Step | undefined {
    if (this.#endedAtMs === undefined || this.#endedAtMs === Infinity) return undefined
    const atMs = Math.max(this.#endedAtMs + (this.#plan.latencyMs ?? 0), this.#lastMs, this.#freeAtMs)
    return { kind: 'end', atMs }
  }

  #nextCut(): Cut | undefined {
    return this.#plan.cuts?.[this.#cutsDone]
  }

  /** Where the step must stop for a cut or a dribble. */
  #boundary(): number {
    const { dribble } = this.#plan
    const cut = this.#nextCut()?.atByte ?? Infinity
    if (dribble === undefined) return cut
    const isDribbling = this.#passed >= dribble.fromByte
    return Math.min(cut, isDribbling ? this.#passed + dribble.bytes : dribble.fromByte)
  }

  /** How long the flow rests after `bytes` have passed. */
  #pauseMs(bytes: number): number {
    const { bytesPerSecond, dribble } = this.#plan
    if (dribble !== undefined && this.#passed > dribble.fromByte) return dribble.everyMs
    return bytesPerSecond === undefined ? 0 : (bytes * 1000) / bytesPerSecond
  }
}
