import type { Attacker } from './attacker.ts'
import type { OwnHub } from './own-hub.ts'
import { echoCall } from './raw-frame.ts'
import type { RawStream, Seen } from './raw-stream.ts'
import type { Target } from './target.ts'

/** `strict`: every caller is a stranger. `open`: callers on loopback are known. */
export type TargetName = 'strict' | 'open'

export interface Scene {
  readonly target: Target
  readonly attacker: Attacker
  /** Hubs that the node allows, each for one case: what one hub may do is bounded. */
  readonly hubs: Readonly<Record<'relinking' | 'revoked' | 'sharing' | 'stalling', OwnHub>>
  /** The n-th loopback address of a /24 that is this case's own; beyond 200 those of the next. */
  readonly from: (n?: number) => string
  readonly timeouts: { readonly firstFrameMs: number; readonly frameMs: number; readonly idleMs: number }
  /** The count of a flood: with --short, or in full. */
  readonly count: (short: number, full: number) => number
}

export interface HostileCase {
  readonly name: string
  readonly on: TargetName
  /** Waits for time-outs that no configuration shortens: left out by --short. */
  readonly isLong?: boolean
  /** What the specification says, in the words that `run` yields. */
  readonly expected: string
  run(scene: Scene): Promise<string>
}

const PROBE_CORR = 0xfffffffffffffff0n
const FATE_MS = 15_000

/** A frame as the table prints it: status and reason, or the status alone. */
export function told(frame: Seen | undefined): string {
  if (frame === undefined) return 'silence'
  if (frame.code === 0) return '0'
  const { code } = JSON.parse(Buffer.from(frame.payload).toString()) as { code: string }
  return `${frame.code} ${code}`
}

/** Whether a session still serves, or how it ended. */
export async function fate(stream: RawStream, withinMs = FATE_MS): Promise<string> {
  if (stream.ending === 'open') stream.writeNow(echoCall(PROBE_CORR))
  const probed = await stream.next(({ corr }) => corr === PROBE_CORR, withinMs)
  if (probed !== undefined) return 'session lives'
  return ENDED[await stream.end(0)]
}

const ENDED = { fin: 'stream closed', reset: 'stream reset', open: 'session hangs' } as const
