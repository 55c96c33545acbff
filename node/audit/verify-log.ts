import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { EMPTY_ROOT, HASH_BYTES, isSameHash } from '../../federation/index.ts'
import type { NoteKey } from '../../federation/index.ts'
import { Chain } from './chain.ts'
import type { Entry } from './entry.ts'
import { type KnownLeaf, walkLines } from './line-walk.ts'
import { type LineChunk, readLines } from './lines.ts'
import { logPaths, readLogOrigin } from './log-folder.ts'
import { logKeyFor } from './log-key.ts'
import { type Witnessed, checkSeal, sealKey, textOf, witnessed } from './seal-check.ts'
import { SEGMENT_FILES, type SegmentFolder, type SegmentRecord, listSegments } from './segment.ts'
import { TILE_WIDTH, type Tile, partialTiles, tilePath } from './tile.ts'
import { TileCheck } from './tile-check.ts'
import { TileFiles } from './tile-files.ts'
import { TreeEdge } from './tree-edge.ts'
import { type AuditVerdict, Finding } from './verdict.ts'

const LF = Buffer.from('\n')

/** What a log is verified against. */
interface Evidence {
  readonly folders: readonly SegmentFolder[]
  readonly sealed: ReadonlyMap<number, SegmentRecord>
  /** At least one. */
  readonly witnessed: readonly Witnessed[]
  readonly newest: Witnessed
}

/** Verifies the folder of a log against what its own checkpoints, and those that the auditor kept, cover. */
export class LogVerification {
  readonly #folder: string
  readonly #tiles: TileFiles
  #origin: string | undefined
  #first = 0
  #entries = 0
  #covered = 0
  #prunedBefore = 0

  constructor(folder: string) {
    this.#folder = folder
    this.#tiles = new TileFiles(folder)
  }

  /** How far it has come. */
  get progress(): Omit<AuditVerdict, 'ok' | 'problem'> {
    const [first, entries, covered] = [this.#first, this.#entries, this.#covered]
    return { first, entries, covered, ...(this.#origin !== undefined && { origin: this.#origin }) }
  }

  /** @throws Finding for the first thing that is wrong. */
  async run(trusted: string, given: readonly string[]): Promise<void> {
    const paths = logPaths(this.#folder)
    this.#origin = await readLogOrigin(this.#folder)
    const key = logKeyFor(trusted, this.#origin, await textOf(paths.delegation))
    const evidence = await this.#evidence(key, given)
    this.#covered = evidence.newest.size
    const check = new TileCheck(this.#tiles, this.#covered)
    const roots = await this.#walk(evidence, check)
    await judgeRoots(evidence, roots, check)
    judgeTile(check.wrong)
    if (this.#first > this.#prunedBefore)
      throw new Finding(
        'delete',
        `entries 0 to ${this.#first - 1}: gone, and no entry says that they were pruned`,
        0
      )
  }

  async #evidence(key: NoteKey, given: readonly string[]): Promise<Evidence> {
    const paths = logPaths(this.#folder)
    const note = await textOf(paths.checkpoint)
    const found = given.map(one => witnessed(one, key, 'the given checkpoint'))
    if (note !== undefined) found.push(witnessed(note, key, 'checkpoint'))
    const folders = await listSegments(paths.segments)
    const sealed = new Map<number, SegmentRecord>()
    for (const segment of folders.filter(({ isSealed }) => isSealed)) {
      const { record, checkpoint } = await checkSeal(
        segment,
        sealKey(await textOf(paths.minisignKey), key),
        key
      )
      sealed.set(segment.first, record)
      found.push(checkpoint)
    }
    const sorted = found.toSorted((a, b) => a.size - b.size)
    const newest = sorted.at(-1)
    if (newest === undefined)
      throw new Finding('checkpoint', 'checkpoint: missing; nothing says what the log must hold')
    return { folders, sealed, witnessed: sorted, newest }
  }

  /** Reads every entry; yields the root at the size of each checkpoint. */
  async #walk(evidence: Evidence, check: TileCheck): Promise<ReadonlyMap<number, Uint8Array>> {
    const sizes = new Set(evidence.witnessed.map(({ size }) => size))
    const roots = new Map<number, Uint8Array>([[0, EMPTY_ROOT]])
    const edge = new TreeEdge(tile => check.put(tile))
    const append = (leaf: Uint8Array): void => {
      edge.append(leaf)
      if (sizes.has(edge.size)) roots.set(edge.size, edge.root())
      if (edge.size !== this.#covered) return
      for (const tile of partialTiles(edge.size))
        check.put({ ...tile, bytes: Uint8Array.from(edge.row(tile.level)) })
    }
    const chain = await this.#pruned(evidence, append, check)
    const take = (entry: Entry, leaf: Uint8Array): void => {
      this.#entries++
      if (entry.type === 'prune')
        this.#prunedBefore = Math.max(this.#prunedBefore, Number(entry.data['before']))
      append(leaf)
    }
    const lines = linesOf(evidence, chain)
    const knownLeaf = this.#leaves(evidence.witnessed)
    const { tailBytes } = await walkLines(lines, chain, { take, pause: () => check.settle(), knownLeaf })
    judgeEnd(chain.next, tailBytes, evidence.newest)
    return roots
  }

  /** Takes the hashes of pruned entries from their tiles; yields the chain as it goes on behind them. */
  async #pruned(
    { folders, sealed, witnessed: checkpoints }: Evidence,
    append: (leaf: Uint8Array) => void,
    check: TileCheck
  ): Promise<Chain> {
    let chain = new Chain()
    for (const { first, hasEntries } of folders) {
      const record = sealed.get(first)
      if (hasEntries || record === undefined || first !== chain.next) break
      chain = new Chain(first + record.entries, record.last_hash)
    }
    const leaves = this.#leaves(checkpoints)
    for (; this.#first < chain.next; this.#first++) {
      const leaf = await leaves(this.#first)
      if (leaf === undefined) throw missingTile(this.#first)
      append(leaf)
      if (this.#first % TILE_WIDTH === 0) await check.settle()
    }
    return chain
  }

  /** Reads leaf hashes out of the tiles, whole or as the checkpoints need them. */
  #leaves(checkpoints: readonly Witnessed[]): KnownLeaf {
    let held: { readonly index: number; readonly row: Uint8Array | undefined } | undefined
    const rowAt = async (index: number): Promise<Uint8Array | undefined> => {
      const parts = checkpoints.flatMap(({ size }) =>
        partialTiles(size).filter(tile => isLeafTile(tile, index))
      )
      for (const tile of [{ level: 0, index, width: TILE_WIDTH }, ...parts.reverse()]) {
        const row = await this.#tiles.read(tile)
        if (row !== undefined) return row
      }
      return undefined
    }
    return async sequence => {
      const index = Math.floor(sequence / TILE_WIDTH)
      if (held?.index !== index) held = { index, row: await rowAt(index) }
      const at = (sequence % TILE_WIDTH) * HASH_BYTES
      return held.row !== undefined && held.row.length > at
        ? held.row.subarray(at, at + HASH_BYTES)
        : undefined
    }
  }
}

const isLeafTile = (tile: Tile, index: number): boolean => tile.level === 0 && tile.index === index

/** The lines of all segments that have their entries; what a seal says of them is compared as each ends. */
async function* linesOf({ folders, sealed }: Evidence, chain: Chain): AsyncGenerator<LineChunk> {
  const whole = folders.filter(({ hasEntries }) => hasEntries)
  for (const { first, folder } of whole) {
    if (first !== chain.next) throw gap(first, chain.next)
    const digest = createHash('sha256')
    for await (const { lines, tail } of readLines(join(folder, SEGMENT_FILES.entries))) {
      for (const line of lines) digest.update(line).update(LF)
      const isCut = tail !== undefined && tail.length > 0
      // Only the newest segment may end within a line.
      if (isCut && folder !== whole.at(-1)?.folder) yield { lines: [...lines, tail] }
      else yield { lines, ...(tail && { tail }) }
    }
    const record = sealed.get(first)
    if (record !== undefined && record.sha256 !== digest.digest('hex'))
      throw new Finding('seal', `segment ${first}: entries.ndjson is not what was sealed`, first)
  }
  const pruned = folders.find(({ hasEntries, first }) => !hasEntries && first >= chain.next)
  if (pruned !== undefined)
    throw new Finding(
      'delete',
      `entries ${pruned.first} and following: entries.ndjson is missing`,
      pruned.first
    )
}

const gap = (first: number, next: number): Finding =>
  first > next
    ? new Finding('delete', `entries ${next} to ${first - 1}: missing`, next)
    : new Finding('insert', `segment ${first}: it begins before entry ${next}`, next)

const missingTile = (sequence: number): Finding => {
  const path = tilePath({ level: 0, index: Math.floor(sequence / TILE_WIDTH), width: TILE_WIDTH })
  return new Finding('tile', `${path}: missing, and the entries under it were pruned`, sequence)
}

/** @throws Finding when the log ends too early, or within a line. */
export function judgeEnd(next: number, tailBytes: number, newest: Witnessed): void {
  if (next < newest.size) {
    const what = tailBytes > 0 ? 'cut off' : 'missing'
    throw new Finding(
      'truncation',
      `entry ${next}: ${what}; ${newest.from} covers ${newest.size} entries`,
      next
    )
  }
  if (tailBytes === 0) return
  throw new Finding(
    'torn',
    `entry ${next}: ${tailBytes} bytes without an end, left by a crash or a write under way; opening the log cuts them off`,
    next
  )
}

async function judgeRoots(
  { witnessed: checkpoints }: Evidence,
  roots: ReadonlyMap<number, Uint8Array>,
  check: TileCheck
): Promise<void> {
  const isWrong = ({ size, root }: Witnessed) => !isSameHash(root, roots.get(size) ?? Buffer.alloc(0))
  const wrong = checkpoints.find(isWrong)
  if (wrong === undefined) return
  const agreed = checkpoints.findLast(one => one.size < wrong.size && !isWrong(one))?.size ?? 0
  const sequence = (await check.firstStrange(wrong)) ?? agreed
  throw new Finding(
    'fork',
    `entry ${sequence}: from here on this is another history than the one of ${wrong.size} entries that ${wrong.from} covers`,
    sequence
  )
}

function judgeTile(wrong: Tile | undefined): void {
  if (wrong === undefined) return
  const first = wrong.index * TILE_WIDTH ** (wrong.level + 1)
  throw new Finding('tile', `${tilePath(wrong)}: missing, or not the hashes of its entries`, first)
}
