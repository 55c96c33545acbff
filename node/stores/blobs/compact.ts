import { decodeBlockRow } from './block-row.ts'
import type { BlockRow, Place } from './block-row.ts'
import { KIND, blockKey, digestOf, hexOf, lastHex, rangeOf, segmentKey } from './keys.ts'
import type { CollectParts } from './collect.ts'
import { recordBytes } from './segments.ts'
import type { Segments } from './segments.ts'

/** A segment of which less than this is live is emptied into the last one. */
const LIVE_SHARE = 0.5
const COPY_BYTES = 1024 * 1024
const ROWS_AT_ONCE = 256

interface Found {
  readonly hex: string
  readonly place: Place
}

/** Gives room back to the file system: removes segments that hold nothing, and moves what little others hold. */
export async function compact(parts: CollectParts, segments: Segments): Promise<number> {
  let freed = 0
  // First what costs nothing: on a full disk the rest needs its room.
  freed += await removeEmpty(parts, segments)
  for (const [segment, { bytes, live }] of segments.counts) {
    if (!segments.isSealed(segment) || live >= bytes * LIVE_SHARE) continue
    await empty(parts, segments, segment)
    freed += await removeEmpty(parts, segments)
  }
  return freed
}

async function removeEmpty(parts: CollectParts, segments: Segments): Promise<number> {
  let freed = 0
  for (const [segment, { bytes, live }] of segments.counts) {
    if (live > 0 || !segments.isSealed(segment)) continue
    const isEmpty = await parts.writer.commit({
      records: [],
      keys: [],
      apply(rows) {
        // The rows of its last records may have been on their way.
        if ((segments.counts.get(segment)?.live ?? 0) > 0) return false
        rows.del(segmentKey(segment))
        return true
      }
    })
    if (!isEmpty) continue
    await segments.remove(segment)
    freed += bytes
    await parts.pace.rest(parts.signal)
  }
  return freed
}

/** Moves what is live in a segment to the end of the last one. */
async function empty(parts: CollectParts, segments: Segments, segment: number): Promise<void> {
  const some = new Moving(parts, segments)
  for await (const { digest, place } of segments.scan(segment)) await some.add({ hex: hexOf(digest), place })
  await some.flush()
  // A damaged head hides what lies behind it; the rows know.
  if ((segments.counts.get(segment)?.live ?? 0) > 0) {
    for await (const found of rowsIn(parts, segment)) await some.add(found)
    await some.flush()
  }
}

class Moving {
  readonly #parts: CollectParts
  readonly #segments: Segments
  #found: Found[] = []
  #bytes = 0

  constructor(parts: CollectParts, segments: Segments) {
    this.#parts = parts
    this.#segments = segments
  }

  async add(found: Found): Promise<void> {
    this.#found.push(found)
    this.#bytes += recordBytes(found.place.length)
    if (this.#bytes >= COPY_BYTES || this.#found.length >= ROWS_AT_ONCE) await this.flush()
  }

  async flush(): Promise<void> {
    const { level, writer, pace, signal } = this.#parts
    const found = this.#found
    this.#found = []
    this.#bytes = 0
    if (found.length === 0) return
    const rows = await level.getMany(found.map(({ hex }) => blockKey(hex)))
    const live = found.filter(({ hex, place }, i) => isAt(rowOf(hex, rows[i]), place))
    const moving: (Found & { readonly bytes: Uint8Array })[] = []
    for (const one of live) {
      const { segment, offset, length } = one.place
      // As they are: what is rotten stays rotten, and is told of where it is read.
      const bytes = await this.#segments.disk.read(segment, offset, length).catch(() => undefined)
      if (bytes !== undefined) moving.push({ ...one, bytes })
    }
    if (moving.length > 0)
      await writer.commit({
        records: moving.map(({ hex, bytes }) => ({ digest: digestOf(hex), bytes })),
        keys: moving.map(({ hex }) => blockKey(hex)),
        apply(changed, places) {
          for (const [i, { hex, place }] of moving.entries()) {
            const row = changed.block(hex)
            if (row !== undefined && isAt(row, place)) changed.point(hex, row.codec, places[i]!)
          }
        }
      })
    await pace.rest(signal)
  }
}

async function* rowsIn({ level }: CollectParts, segment: number): AsyncGenerator<Found> {
  for (let after = ''; ;) {
    const found = await level.iterator({ ...rangeOf(KIND.block, '', after), limit: ROWS_AT_ONCE }).all()
    for (const [key, bytes] of found) {
      const row = rowOf(lastHex(key), bytes)
      if (row?.segment === segment) yield { hex: lastHex(key), place: row }
    }
    if (found.length < ROWS_AT_ONCE) return
    after = lastHex(found.at(-1)![0])
  }
}

function rowOf(hex: string, bytes: Uint8Array | undefined): BlockRow | undefined {
  const row = bytes === undefined ? undefined : decodeBlockRow(blockKey(hex), bytes)
  return typeof row === 'string' ? undefined : row
}

const isAt = (row: BlockRow | undefined, { segment, offset }: Place): boolean =>
  row?.segment === segment && row.offset === offset
