import { ClassicLevel } from 'classic-level'
import type { Level } from '../level.ts'
import type { Range } from './keys.ts'

/** Gives the disk back what was removed from a range; a store in memory has nothing to give. */
export async function compactMessages(level: Level, { gte, lt }: Range): Promise<void> {
  if (level instanceof ClassicLevel) await level.compactRange(gte, lt, { keyEncoding: 'utf8' })
}
