import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { parseEntry } from '../audit/index.ts'
import type { Entry } from '../audit/index.ts'

/** All entries in the audit log of a data folder. */
export async function entriesIn(data: string): Promise<Entry[]> {
  const segments = join(data, 'audit', 'segments')
  const texts = await Promise.all(
    (await readdir(segments)).sort().map(name => readFile(join(segments, name, 'entries.ndjson'), 'utf8'))
  )
  return texts
    .join('')
    .split('\n')
    .slice(0, -1)
    .map(line => parseEntry(Buffer.from(line)))
}
