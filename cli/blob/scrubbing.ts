import type { AdminClient, ScrubFinding, ScrubReport } from '../../node/index.ts'
import type { Terminal } from '../terminal.ts'
import { bytesText } from '../quantity.ts'

const LOOK_MS = 500

export interface Rotten {
  readonly sha256: string
  readonly detail: string
  readonly repaired: boolean
}

/** What a scrub came to. */
export interface Scrubbed {
  readonly blocks: number
  readonly bytes: number
  readonly rotten: number
  readonly repaired: number
  /** The first of the rotten blocks. */
  readonly found: readonly Rotten[]
}

/** A running node scrubs; it goes on where `signal` aborts the looking. @throws the signal's reason */
export async function scrubAt(
  { blobs }: Pick<AdminClient, 'blobs'>,
  terminal: Terminal,
  signal: AbortSignal,
  sleep: (ms: number, signal: AbortSignal) => Promise<void>
): Promise<Scrubbed> {
  let state = await blobs.blob_scrub({ begin: true })
  while (state.running) {
    terminal.progress(progressText(state.done_ppm / 1_000_000, state.bytes))
    await sleep(LOOK_MS, signal)
    signal.throwIfAborted()
    state = await blobs.blob_scrub({})
  }
  const { blocks, bytes, rotten, repaired, found } = state
  return { blocks, bytes, rotten, repaired, found }
}

export const progressText = (done: number, bytes: number): string =>
  `${Math.floor(done * 100)} %, ${bytesText(bytes)} hashed`

export const scrubbedOf = ({ blocks, bytes, rotten, repaired, findings }: ScrubReport): Scrubbed => ({
  blocks,
  bytes,
  rotten,
  repaired,
  found: findings.map(rottenOf)
})

const rottenOf = ({ id, detail, isRepaired }: ScrubFinding): Rotten => ({
  sha256: Buffer.from(id.digest).toString('hex'),
  detail,
  repaired: isRepaired
})
