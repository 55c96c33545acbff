import type { KeyObject } from 'node:crypto'
import { HASH_BYTES } from './merkle.ts'
import { NoteError, type NoteKey, openNote, signNote } from './signed-note.ts'

/** A log's head: how many entries it has and what their tree's root is. */
export interface Checkpoint {
  readonly origin: string
  readonly size: number
  readonly root: Uint8Array
}

/** The text of a C2SP checkpoint, without extension lines. */
export function formatCheckpoint({ origin, size, root }: Checkpoint): string {
  return `${origin}\n${size}\n${Buffer.from(root).toString('base64')}\n`
}

/** The checkpoint in a note's text; extension lines are ignored. @throws NoteError */
export function parseCheckpoint(text: string): Checkpoint {
  const [origin = '', digits = '', encoded = '', ...more] = text.split('\n')
  const root = Buffer.from(encoded, 'base64')
  const size = Number(digits)
  if (origin === '') throw new NoteError('checkpoint: no origin')
  if (!/^(?:0|[1-9]\d{0,15})$/.test(digits) || !Number.isSafeInteger(size))
    throw new NoteError('checkpoint: the size is not a whole number below 2^53')
  if (root.length !== HASH_BYTES || root.toString('base64') !== encoded)
    throw new NoteError('checkpoint: the root is not 32 bytes in base64')
  if (more.pop() !== '' || more.includes('')) throw new NoteError('checkpoint: an empty line, or no last one')
  return { origin, size, root: Uint8Array.from(root) }
}

/** A checkpoint signed by the log's key, as a note. */
export function signCheckpoint(checkpoint: Checkpoint, key: KeyObject): string {
  return signNote(formatCheckpoint(checkpoint), checkpoint.origin, key)
}

/** The checkpoint in a note that the log's key signed under the log's origin. @throws NoteError */
export function openCheckpoint(note: string, key: NoteKey): Checkpoint {
  const checkpoint = parseCheckpoint(openNote(note, [key]))
  if (checkpoint.origin !== key.name)
    throw new NoteError(`checkpoint: of log ${checkpoint.origin}, not ${key.name}`)
  return checkpoint
}
