import { OapError } from '../../protocols/index.ts'
import type { PeerSnapshots } from './peer-snapshots.ts'

export interface FollowingOptions {
  readonly peers: Pick<PeerSnapshots, 'fetch'>
  /** The hub that is followed. */
  readonly core: string
  readonly everyMs: number
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
  /** The core was asked in vain; it is asked again. */
  readonly failed: (error: unknown) => void
}

const SOON_MS = 1000

/** Fetches the newest snapshot of a core again and again, until `signal` aborts. */
export async function follow(
  { peers, core, everyMs, sleep, failed }: FollowingOptions,
  signal: AbortSignal
): Promise<void> {
  while (!signal.aborted) {
    const isLinked = await asked(peers, core, failed, signal)
    await sleep(isLinked ? everyMs : Math.min(everyMs, SOON_MS), signal)
  }
}

/** Whether the core could be asked. */
async function asked(
  peers: FollowingOptions['peers'],
  core: string,
  failed: FollowingOptions['failed'],
  signal: AbortSignal
): Promise<boolean> {
  try {
    await peers.fetch(core, { actor: 'node', signal })
    return true
  } catch (error) {
    if (error instanceof OapError && error.code === 'no_link') return false
    if (!signal.aborted) failed(error)
    return true
  }
}
