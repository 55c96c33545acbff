import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { canonicalJson } from '../../federation/index.ts'
import { replaceFile } from '../durable-file.ts'
import { type MinisignSecretKey, signFile } from '../minisign.ts'
import { commitment } from './commitments.ts'
import { SEGMENT_FILES, type SegmentRecord, formatRecord } from './segment.ts'

/** The text of `sha256.json`: each file of the folder with its SHA-256, canonical JSON and a line feed. */
export function formatDigests(files: Readonly<Record<string, string>>): string {
  return `${canonicalJson(files)}\n`
}

/**
 * Seals a segment's folder: its record, the checkpoint that covers it, `sha256.json` over these and the entries, and,
 * last, the signature. Resolves once all of it would survive a power cut; may be done again after a crash.
 */
export async function sealSegment(
  folder: string,
  record: SegmentRecord,
  checkpoint: string,
  key: MinisignSecretKey
): Promise<void> {
  const text = formatRecord(record)
  const digests = formatDigests({
    [SEGMENT_FILES.checkpoint]: commitment(checkpoint),
    [SEGMENT_FILES.entries]: record.sha256,
    [SEGMENT_FILES.record]: commitment(text)
  })
  const trustedComment = `omnigate audit segment ${record.first} to ${record.first + record.entries - 1}`
  await replaceFile(join(folder, SEGMENT_FILES.record), text)
  await replaceFile(join(folder, SEGMENT_FILES.checkpoint), checkpoint)
  await replaceFile(join(folder, SEGMENT_FILES.digests), digests)
  await replaceFile(
    join(folder, SEGMENT_FILES.signature),
    signFile(key, Buffer.from(digests), { trustedComment })
  )
}

/** Removes the entries of a sealed segment; resolves once they would not come back after a power cut. */
export async function removeEntries(folder: string): Promise<void> {
  await rm(join(folder, SEGMENT_FILES.entries), { force: true })
  await using file = await open(folder, 'r')
  await file.sync()
}
