import type { Level } from '../level.ts'
import { KIND, row } from './keys.ts'
import { sealed, unseal } from './seal.ts'
import type { CorruptRow, Note } from './types.ts'

const NAME = /^[\x20-\x7e]{1,255}$/
const MAX_VALUE_BYTES = 65_535
const FORGET_AT_ONCE = 10_000

export const noteKey = (name: string): string => row(KIND.note, name)

/** @throws RangeError for a note that no store could keep. */
export function checkNote({ name, value }: Note): void {
  if (!NAME.test(name)) throw new RangeError('note: a name of 1 to 255 printable characters of ASCII')
  if (value.length > MAX_VALUE_BYTES) throw new RangeError(`note: at most ${MAX_VALUE_BYTES} bytes`)
}

export const noteRow = ({ name, value }: Note): readonly [string, Uint8Array] => {
  const key = noteKey(name)
  return [key, sealed(key, value)]
}

/** What a row holds; one that cannot be read is as if it were not there, and told. */
export function noteIn(
  key: string,
  bytes: Uint8Array | undefined,
  onCorrupt: (row: CorruptRow) => void
): Uint8Array | undefined {
  if (bytes === undefined) return undefined
  const value = unseal(key, bytes)
  if (typeof value !== 'string') return value
  onCorrupt({ key, detail: value })
  return undefined
}

/** Takes away notes by their names, some at a time. */
export async function forgetNotes(level: Level, from: string, to: string): Promise<void> {
  const range = { gte: noteKey(from), lt: noteKey(to) }
  while ((await level.keys({ ...range, limit: 1 }).all()).length > 0)
    await level.clear({ ...range, limit: FORGET_AT_ONCE })
}
