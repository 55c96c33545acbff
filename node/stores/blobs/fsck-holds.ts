import { unsealJson } from '../mailbox/seal.ts'
import type { Level } from '../level.ts'
import { BlobError } from './blob-error.ts'
import { decodeBlockRow } from './block-row.ts'
import { nodeOf } from './dag.ts'
import type { BlobProblemKind } from './fsck.ts'
import { decodeHold } from './hold-value.ts'
import { KIND, hexOf, lastHex, sharedKey, tenantAndRoot } from './keys.ts'
import { isShared } from './records.ts'
import type { RootRow, SharedRow } from './records.ts'
import { rowsOf } from './row-walk.ts'
import type { SegmentDisk } from './segment-disk.ts'

/** Of so many blocks it is counted at one time what holds them. */
const BLOCKS_A_PASS = 500_000
const PREFIX_DIGITS = 4
const PREFIXES = 16 ** PREFIX_DIGITS

export interface HoldsParts {
  readonly level: Level
  readonly disk: SegmentDisk
  readonly blocks: number
  readonly signal: AbortSignal | undefined
  readonly tell: (kind: BlobProblemKind, subject: string, detail: string) => void
}

interface Pass {
  /** The first digits of digests, as numbers: from one on, up to below the other. */
  readonly from: number
  readonly to: number
}

/** Whether each block counts what holds it, and each shared root the tenants that share it; in passes of bounded memory. */
export async function checkHolds(parts: HoldsParts): Promise<void> {
  const passes = Math.min(PREFIXES, Math.max(1, Math.ceil(parts.blocks / BLOCKS_A_PASS)))
  for (let pass = 0; pass < passes; pass++) {
    const at = (part: number): number => Math.ceil((PREFIXES * part) / passes)
    await checkPass(parts, { from: at(pass), to: at(pass + 1) })
  }
}

async function checkPass(parts: HoldsParts, pass: Pass): Promise<void> {
  const { level, signal, tell } = parts
  const holds = new Map<string, number>()
  const shares = new Map<string, number>()
  const add = (counts: Map<string, number>, key: string): void => {
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  for await (const [key, bytes] of rowsOf(level, KIND.root, { signal })) {
    const { root } = tenantAndRoot(key)
    const hex = hexOf(root.digest)
    if (!isIn(pass, hex)) continue
    add(holds, hex)
    const row = unsealJson<RootRow>(key, bytes)
    if (row !== undefined && isShared(row.class)) add(shares, sharedKey(row.class, root))
  }
  for await (const [key, bytes] of rowsOf(level, KIND.hold, { signal })) {
    const hex = lastHex(key)
    if (isIn(pass, hex) && decodeHold(bytes).isHeld) add(holds, hex)
  }
  for await (const hexes of childrenOf(parts)) for (const hex of hexes) if (isIn(pass, hex)) add(holds, hex)
  for await (const [key, bytes] of rowsOf(level, KIND.block, { signal })) {
    const hex = lastHex(key)
    if (!isIn(pass, hex)) continue
    const found = holds.get(hex) ?? 0
    holds.delete(hex)
    const row = decodeBlockRow(key, bytes)
    if (typeof row !== 'string' && row.holds !== found)
      tell('wrong_count', hex, `${found} hold it, ${row.holds} counted`)
  }
  for (const [hex, found] of holds) tell('missing_block', hex, `${found} hold it`)
  await checkShares(parts, pass, shares)
}

async function checkShares(
  { level, signal, tell }: HoldsParts,
  pass: Pass,
  shares: Map<string, number>
): Promise<void> {
  for await (const [key, bytes] of rowsOf(level, KIND.shared, { signal })) {
    if (!isIn(pass, key.slice(2))) continue
    const found = shares.get(key) ?? 0
    shares.delete(key)
    const kept = unsealJson<SharedRow>(key, bytes)?.tenants
    if (kept !== found) tell('wrong_class', key, `${found} tenants share it, ${kept ?? 'no'} counted`)
  }
  for (const [key, found] of shares) tell('wrong_class', key, `${found} tenants share it, and no row says so`)
}

/** What each whole node holds. One that cannot be read was told of, and what it holds is found to have too much. */
async function* childrenOf({ level, disk, signal }: HoldsParts): AsyncGenerator<readonly string[]> {
  for await (const [key, bytes] of rowsOf(level, KIND.block, { signal })) {
    const row = decodeBlockRow(key, bytes)
    if (typeof row === 'string' || !row.isWhole) continue
    const block = await disk.read(row.segment, row.offset, row.length).catch(() => undefined)
    if (block === undefined) continue
    try {
      yield nodeOf(lastHex(key), block).children.map(({ hex }) => hex)
    } catch (error) {
      if (!(error instanceof BlobError)) throw error
    }
  }
}

function isIn({ from, to }: Pass, hex: string): boolean {
  const prefix = Number.parseInt(hex.slice(0, PREFIX_DIGITS), 16)
  return prefix >= from && prefix < to
}
