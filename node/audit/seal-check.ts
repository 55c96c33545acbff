import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isSameHash, openCheckpoint } from '../../federation/index.ts'
import type { Checkpoint, NoteKey } from '../../federation/index.ts'
import { type MinisignPublicKey, parsePublicKey, verifyFile } from '../minisign.ts'
import { commitment } from './commitments.ts'
import { formatDigests } from './seal.ts'
import { SEGMENT_FILES, type SegmentFolder, type SegmentRecord, formatRecord, readRecord } from './segment.ts'
import { Finding } from './verdict.ts'

/** A checkpoint that a log must agree with, and where it comes from. */
export interface Witnessed extends Checkpoint {
  readonly from: string
}

/** The text of a file; undefined when it cannot be read. */
export async function textOf(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(() => undefined)
}

/** @throws Finding `checkpoint` */
export function witnessed(note: string, key: NoteKey, from: string): Witnessed {
  try {
    return { ...openCheckpoint(note, key), from }
  } catch (error) {
    throw new Finding('checkpoint', `${from}: ${reasonOf(error)}`)
  }
}

/** The minisign key of a log, which is its checkpoint key in another form. @throws Finding `key` */
export function sealKey(text: string | undefined, key: NoteKey): MinisignPublicKey {
  try {
    const found = parsePublicKey(text ?? '')
    if (isSameHash(found.publicKey, key.publicKey)) return found
  } catch {
    // Falls through to the one message that is true of every such file.
  }
  throw new Finding('key', 'log.pub: missing, or not the key of this log')
}

/**
 * The record and checkpoint of a sealed segment, once signature and digests fit; the entries are the caller's to compare.
 * @throws Finding `seal`
 */
export async function checkSeal(
  { folder, first }: SegmentFolder,
  minisign: MinisignPublicKey,
  key: NoteKey
): Promise<{ readonly record: SegmentRecord; readonly checkpoint: Witnessed }> {
  const read = async (name: string): Promise<string> => (await textOf(join(folder, name))) ?? ''
  const wrong = (name: string, why: string) => new Finding('seal', `segment ${first}: ${name}: ${why}`, first)
  const digests = await read(SEGMENT_FILES.digests)
  try {
    verifyFile(minisign, Buffer.from(digests), await read(SEGMENT_FILES.signature))
  } catch (error) {
    throw wrong(SEGMENT_FILES.signature, reasonOf(error))
  }
  const record = await readRecord(folder).catch(() => {
    throw wrong(SEGMENT_FILES.record, 'missing or damaged')
  })
  const note = await read(SEGMENT_FILES.checkpoint)
  const expected = formatDigests({
    [SEGMENT_FILES.checkpoint]: commitment(note),
    [SEGMENT_FILES.entries]: record.sha256,
    [SEGMENT_FILES.record]: commitment(formatRecord(record))
  })
  if (record.first !== first || expected !== digests) throw wrong(SEGMENT_FILES.digests, 'not of these files')
  return { record, checkpoint: witnessed(note, key, `the checkpoint of segment ${first}`) }
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
