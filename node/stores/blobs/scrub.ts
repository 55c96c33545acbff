import { sealedJson, unsealJson } from '../mailbox/seal.ts'
import type { Level } from '../level.ts'
import { BlobError } from './blob-error.ts'
import { decodeBlockRow } from './block-row.ts'
import { KIND, SCRUB_KEY, blockKey, digestOf, lastHex, rangeOf } from './keys.ts'
import type { Sleep } from './pace.ts'
import { isOf } from './reading.ts'
import type { BlockReader } from './reading.ts'
import type { BlockId, ScrubFinding, ScrubOptions, ScrubReport } from './types.ts'
import type { Writer } from './writer.ts'

const BYTES_PER_SECOND = 8 * 1024 * 1024
const BLOCKS_AT_ONCE = 16
const MOST_NAMED = 1000
/** How far digests reach: their first 6 bytes. */
const WHOLE = 2 ** 48

export interface ScrubParts {
  readonly level: Level
  readonly reader: BlockReader
  readonly writer: Writer
  readonly sleep: Sleep
}

interface Cursor {
  /** The last block that was hashed. */
  readonly after: string
}

/**
 * Hashes all blocks in the order of their digests, which is none that matters, so that the place of one says how much is done.
 * Where it stopped is kept with each piece, and may be forgotten in a power cut.
 */
export async function scrub(parts: ScrubParts, options: ScrubOptions): Promise<ScrubReport> {
  const run = new Scrub(parts, options)
  await run.run()
  return run.report
}

class Scrub {
  readonly #parts: ScrubParts
  readonly #options: ScrubOptions
  readonly #findings: ScrubFinding[] = []
  #done = 0
  #blocks = 0
  #bytes = 0
  #rotten = 0
  #repaired = 0

  constructor(parts: ScrubParts, options: ScrubOptions) {
    this.#parts = parts
    this.#options = options
  }

  get report(): ScrubReport {
    return { ...this.#progress, repaired: this.#repaired, findings: this.#findings }
  }

  get #progress() {
    return { done: this.#done, blocks: this.#blocks, bytes: this.#bytes, rotten: this.#rotten }
  }

  async run(): Promise<void> {
    const { level, sleep } = this.#parts
    const { bytesPerSecond = BYTES_PER_SECOND, fromStart = false, onProgress, signal } = this.#options
    let after = fromStart ? '' : (unsealJson<Cursor>(SCRUB_KEY, await level.get(SCRUB_KEY))?.after ?? '')
    for (;;) {
      signal?.throwIfAborted()
      const keys = await level.keys({ ...rangeOf(KIND.block, '', after), limit: BLOCKS_AT_ONCE }).all()
      const before = this.#bytes
      for (const key of keys) await this.#block(lastHex(key))
      const isLast = keys.length < BLOCKS_AT_ONCE
      after = isLast ? '' : lastHex(keys.at(-1)!)
      await this.#keep(after)
      this.#done = isLast ? 1 : Number.parseInt(after.slice(0, 12), 16) / WHOLE
      onProgress?.(this.#progress)
      if (isLast) return
      await sleep(((this.#bytes - before) / bytesPerSecond) * 1000, signal)
    }
  }

  async #keep(after: string): Promise<void> {
    await this.#parts.writer.commit({
      records: [],
      keys: [],
      apply: rows => rows.put(SCRUB_KEY, sealedJson(SCRUB_KEY, { after } satisfies Cursor))
    })
  }

  async #block(hex: string): Promise<void> {
    const { level, reader } = this.#parts
    const key = blockKey(hex)
    const bytes = await level.get(key)
    const row = bytes === undefined ? undefined : decodeBlockRow(key, bytes)
    // Nothing holds it: it goes without anybody reading it.
    if (row === undefined || (typeof row !== 'string' && row.holds === 0)) return
    const codec = typeof row === 'string' ? 'raw' : row.codec
    const id: BlockId = { codec, digest: digestOf(hex) }
    this.#blocks++
    if (typeof row !== 'string') this.#bytes += row.length
    try {
      await reader.get(id)
    } catch (error) {
      if (!(error instanceof BlobError) || error.code !== 'rotten') throw error
      await this.#found(id, hex, error.message)
    }
  }

  async #found(id: BlockId, hex: string, detail: string): Promise<void> {
    this.#rotten++
    const isRepaired = await this.#repair(id, hex)
    if (isRepaired) this.#repaired++
    const finding: ScrubFinding = { kind: 'rotten', id, detail, isRepaired }
    if (this.#findings.length < MOST_NAMED) this.#findings.push(finding)
    this.#options.onFinding?.(finding)
  }

  async #repair(id: BlockId, hex: string): Promise<boolean> {
    const { fetch, signal = new AbortController().signal } = this.#options
    const bytes = await fetch?.(id, signal).catch(() => undefined)
    signal.throwIfAborted()
    if (bytes === undefined || !isOf(id.digest, bytes)) return false
    return await this.#parts.writer.commit({
      records: [{ digest: id.digest, bytes }],
      keys: [blockKey(hex)],
      apply(rows, [place]) {
        // It may have gone while its bytes were fetched.
        if (!rows.has(blockKey(hex))) return false
        rows.point(hex, id.codec, place!)
        return true
      }
    })
  }
}
