import type { Standing } from '../../federation/index.ts'
import type { Allowlist } from '../allowlist/index.ts'
import { thisMoment } from '../links/index.ts'
import { BUILT_IN, Judging } from '../policy/index.ts'
import type { Acceptance, KeepsItems } from '../policy/index.ts'
import type { NodeAudit } from './audit.ts'
import type { NodeBase } from './base.ts'
import type { NodePeerKeys } from './peer-keys.ts'

const RECORD_EVERY_MS = 10_000
const RETRY_MS = 60_000

/** Whether what other hubs send is taken. */
export interface NodePolicy {
  readonly acceptance: Acceptance
}

export interface PolicyPlace {
  readonly audit: NodeAudit
  readonly allowlist: Pick<Allowlist, 'get' | 'isOver'>
  readonly peerKeys: Pick<NodePeerKeys, 'known'>
}

/** Judges items of other hubs by the acceptance policy. */
export async function openPolicy(
  { log, started }: NodeBase,
  { audit, allowlist, peerKeys: { known } }: PolicyPlace
): Promise<NodePolicy> {
  const standing = (origin: string): Standing => {
    const entry = allowlist.get(origin)
    if (entry === undefined) return 'unknown'
    if (known.quarantine(origin) !== undefined) return 'quarantined'
    return allowlist.isOver(entry) ? 'expired' : 'allowed'
  }
  const judging = new Judging({
    policy: () => BUILT_IN,
    standing,
    quarantine: noQuarantine,
    record: event => audit.append(event),
    now: () => thisMoment().ms,
    decided: () => undefined
  })
  const flush = (): Promise<void> =>
    judging.flush().catch((err: unknown) => {
      log.warn({ event: 'AuditMissed', err }, 'how many items were accepted could not be recorded')
    })
  const timer = setInterval(() => void flush(), RECORD_EVERY_MS).unref()
  started.defer(async () => {
    clearInterval(timer)
    await flush()
  })
  return { acceptance: judging }
}

const noQuarantine: KeepsItems = {
  kept: () => undefined,
  reserve: () => ({ retryAfterMs: RETRY_MS }),
  keep: () => Promise.resolve(),
  onRelease: () => undefined
}
