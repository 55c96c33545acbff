import { isSameHash, leafHash } from '../../federation/index.ts'
import { type Chain, ChainError } from './chain.ts'
import { type Entry, parseEntry } from './entry.ts'
import type { LineChunk } from './lines.ts'
import { Finding } from './verdict.ts'

/** The leaf hash that the log's tiles hold for an entry; undefined where they do not say. */
export type KnownLeaf = (sequence: number) => Promise<Uint8Array | undefined>

/** What goes along with a walk. */
export interface WalkPart {
  /** Gets each entry that continues the chain, with its leaf hash. */
  readonly take: (entry: Entry, leaf: Uint8Array) => void
  /** Awaited now and then, for what cannot be done within `take`. */
  readonly pause: () => Promise<void>
  readonly knownLeaf: KnownLeaf
}

/** Behind the last line feed. */
export interface WalkEnd {
  readonly tailBytes: number
}

/**
 * Walks the lines of a log in order and gives each entry that continues the chain.
 * @throws Finding for the first line that does not, named by what happened to it.
 */
export async function walkLines(
  chunks: AsyncIterable<LineChunk>,
  chain: Chain,
  part: WalkPart
): Promise<WalkEnd> {
  const iterator = chunks[Symbol.asyncIterator]()
  try {
    return { tailBytes: await walk(iterator, chain, part) }
  } finally {
    await iterator.return?.()
  }
}

async function walk(
  iterator: AsyncIterator<LineChunk>,
  chain: Chain,
  { take, pause, knownLeaf }: WalkPart
): Promise<number> {
  let before: Buffer | undefined
  let tailBytes = 0
  for (let step = await iterator.next(); !step.done; step = await iterator.next()) {
    const { lines, tail } = step.value
    for (const [n, line] of lines.entries()) {
      try {
        take(chain.take(line), leafHash(line))
      } catch (error) {
        if (!(error instanceof ChainError)) throw error
        if (error.fault === 'link') throw await relinked(error.sequence, before, knownLeaf)
        throw await finding(error, claims(lines.slice(n), iterator))
      }
      before = line
    }
    if (tail !== undefined) tailBytes = tail.length
    await pause()
  }
  return tailBytes
}

/** The sequences that the lines from here on claim, undefined for a line that is no entry. */
async function* claims(
  begun: readonly Buffer[],
  rest: AsyncIterator<LineChunk>
): AsyncGenerator<number | undefined> {
  yield* begun.map(claimOf)
  for (let step = await rest.next(); !step.done; step = await rest.next())
    yield* step.value.lines.map(claimOf)
}

function claimOf(line: Buffer): number | undefined {
  try {
    return parseEntry(line).seq
  } catch {
    return undefined
  }
}

async function finding(
  { sequence, fault, message }: ChainError,
  claimed: AsyncGenerator<number | undefined>
): Promise<Finding> {
  const here = (await claimed.next()).value
  if (fault === 'line') {
    const next = (await claimed.next()).value
    return next === sequence
      ? new Finding('insert', `entry ${sequence}: a line that is no entry stands before it`, sequence)
      : new Finding('edit', message, sequence)
  }
  if (here !== undefined && here < sequence)
    return new Finding('insert', `entry ${sequence}: entry ${here} stands here once more`, sequence)
  for await (const claim of claimed) {
    if (claim !== sequence) continue
    return new Finding('reorder', `entry ${sequence}: it comes later than entry ${here}`, sequence)
  }
  return new Finding('delete', `entry ${sequence}: missing; the line here is entry ${here}`, sequence)
}

/** Two whole entries that do not fit together: the tiles tell whether the first of them is what was logged. */
async function relinked(
  sequence: number,
  before: Buffer | undefined,
  knownLeaf: KnownLeaf
): Promise<Finding> {
  const logged = await knownLeaf(sequence - 1)
  const isBefore = logged !== undefined && before !== undefined && !isSameHash(logged, leafHash(before))
  const first = isBefore ? sequence - 1 : sequence
  return new Finding(
    'edit',
    `entry ${first}: rewritten with a hash that fits it; entry ${sequence} does not follow entry ${sequence - 1}`,
    first
  )
}
