import type { OapError, Operation } from '../../protocols/index.ts'
import { briefRefusal } from './brief-refusal.ts'
import type { LateCalls } from './late-calls.ts'
import { OVERLOADED } from './pressure.ts'
import type { Shedding, WriteRefusal } from './pressure.ts'

/** What a node with too much to do goes by. */
export interface ShedOptions {
  readonly shedding: () => Shedding
  readonly writeRefusal: () => WriteRefusal
  /** Which calls come too late to be served. */
  readonly late: Pick<LateCalls, 'refuses'>
}

export type Effect = Pick<Operation, 'writes' | 'relieves'>

/** Why a call with such an effect is shed whoever makes it, if it is. */
export function levelRefusal(
  { shedding, writeRefusal }: Omit<ShedOptions, 'late'>,
  { writes, relieves }: Effect
): OapError | undefined {
  const level = shedding()
  if (level === 'nothing') return undefined
  const fills = writes === true && relieves !== true
  if (fills && writeRefusal() === 'disk_full') return briefRefusal('disk_full')
  return fills || level === 'calls' ? briefRefusal('saturated', OVERLOADED) : undefined
}

/** The same for a call that came at `startedAt`, which may also have come too late beside what else `caller` asks. */
export function shedRefusal(
  options: ShedOptions,
  effect: Effect,
  { caller, startedAt }: { readonly caller: string; readonly startedAt: number }
): OapError | undefined {
  const shed = levelRefusal(options, effect)
  if (shed !== undefined) return shed
  const isLate = options.late.refuses(caller, effect.relieves === true, startedAt)
  return isLate ? briefRefusal('saturated', OVERLOADED) : undefined
}
