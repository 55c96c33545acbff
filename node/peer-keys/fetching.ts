import { MAX_KEY_RECORDS, keyDigest, keyPageLines } from '../../federation/index.ts'
import { federationService } from '../../protocols/index.ts'
import type { ConnectionCaller } from '../../protocols/index.ts'

const PAGE_MS = 5000

/** All that the other side of a link says of keys. */
export interface Fetched {
  readonly digest: string
  readonly lines: readonly string[]
}

/**
 * Asks the other side of a link for what it says of keys, page by page; undefined when its digest is `before`, or it
 * changed on the way. Each page costs at most 5 s and 32 KiB, and there are at most as many as records.
 * @throws SyntaxError for what is no page, or more than there may be. OapError as the other side refuses it.
 */
export async function fetchKeys(
  caller: ConnectionCaller,
  before: string | undefined
): Promise<Fetched | undefined> {
  const hub = caller.client(federationService)
  const lines: string[] = []
  let digest: string | undefined
  for (;;) {
    const page = await hub.keys({ from: lines.length }, { deadlineMs: PAGE_MS })
    if (page.digest === before) return undefined
    digest ??= page.digest
    if (page.digest !== digest) return undefined
    const more = keyPageLines(page.body ?? new Uint8Array(0))
    lines.push(...more)
    if (lines.length > MAX_KEY_RECORDS || lines.length > page.total)
      throw new SyntaxError('more lines than there are')
    if (lines.length === page.total) break
    if (more.length === 0) throw new SyntaxError('fewer lines than there are')
  }
  if (keyDigest(lines) !== digest) throw new SyntaxError('not the lines of its digest')
  return { digest, lines }
}
