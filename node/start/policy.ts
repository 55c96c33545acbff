import { VERDICTS } from '../../federation/index.ts'
import type { Standing } from '../../federation/index.ts'
import type { Allowlist } from '../allowlist/index.ts'
import { thisMoment } from '../links/index.ts'
import {
  Judging,
  LivePolicy,
  PolicyRows,
  QUARANTINE,
  Quarantine,
  policyAdmin,
  recordedDecision
} from '../policy/index.ts'
import type { Acceptance, PolicyAdmin, PolicyInForce } from '../policy/index.ts'
import type { NodeStore } from '../stores/node-store.ts'
import type { NodeAudit } from './audit.ts'
import type { NodeBase } from './base.ts'
import type { NodePeerKeys } from './peer-keys.ts'

const LOOK_EVERY_MS = 1000
const RECORD_EVERY_MS = 10_000
const UPKEEP_EVERY_MS = 60_000
/** What a node without a disk keeps in memory. */
const MOST_IN_MEMORY = 64 * 1024 * 1024

/** Whether what other hubs send is taken. */
export interface NodePolicy {
  readonly acceptance: Acceptance
  /** Decides on what was posted at this hub itself. */
  readonly judgeOwn: Judging['judgeOwn']
  readonly admin: PolicyAdmin
  readonly standing: () => PolicyStanding
  /** By which items are judged now. */
  readonly current: () => PolicyInForce
}

/** How policy and quarantine stand, for the operator. */
export interface PolicyStanding {
  readonly policy_version: number
  readonly policy_hash: string
  readonly policy_problem?: string
  /** Items that wait for the operator, and their bytes. */
  readonly held_items: number
  readonly held_bytes: number
}

export interface PolicyPlace {
  readonly store: NodeStore
  readonly isOnDisk: boolean
  readonly audit: NodeAudit
  readonly allowlist: Pick<Allowlist, 'get' | 'isOver'>
  readonly peerKeys: Pick<NodePeerKeys, 'known'>
}

/**
 * Judges items of other hubs by the acceptance policy, and keeps those that wait for the operator.
 * @throws ConfigError for a file that is no policy.
 */
export async function openPolicy(base: NodeBase, place: PolicyPlace): Promise<NodePolicy> {
  const { config, log, metrics, started } = base
  const { store, audit, isOnDisk } = place
  const record = (event: Parameters<NodeAudit['append']>[0]): Promise<void> => audit.append(event)
  const now = (): number => Date.now()
  const level = () => store.level
  const rows = await PolicyRows.open(level)
  const file = config.federation.policy === '' ? undefined : config.federation.policy
  const live = await LivePolicy.open({ path: file, rows, record })
  const bytes = config.federation.quarantineBytes
  const quarantine = await Quarantine.open(level, {
    bounds: { ...QUARANTINE, bytes: isOnDisk ? bytes : Math.min(bytes, MOST_IN_MEMORY) },
    record,
    now,
    steadyMs: () => thisMoment().ms,
    onOver: items =>
      log.warn(
        { event: 'QuarantineOver', items },
        'items in quarantine have been kept for 14 days by the clock and leave in an hour; see federation quarantine list'
      ),
    onDamaged: id =>
      log.error({ event: 'QuarantinedItemDamaged', id }, 'an item in quarantine was damaged and is gone'),
    onFailed: (id, err) =>
      log.warn({ event: 'ReleaseNotDelivered', id, err }, 'a released item could not be delivered yet')
  })
  const decided = metrics.counters(
    'acceptance_decisions_total',
    'Items of other hubs, by what the policy said; not decided: no_room, for want of room, and standing, while the origin may send nothing.',
    'verdict',
    [...VERDICTS, 'no_room', 'standing']
  )
  metrics.gauge('quarantine_items', 'Items of other hubs that wait for the operator.', () => quarantine.items)
  metrics.gauge('quarantine_bytes', 'Bytes of items that wait for the operator.', () => quarantine.bytes)
  metrics.gauge(
    'policy_refused',
    '1 while the file of the acceptance policy is wrong and an earlier one holds.',
    () => (live.problem === undefined ? 0 : 1)
  )
  const judging = new Judging({
    policy: () => live.current,
    standing: origin => standingOf(origin, place),
    quarantine,
    record,
    now,
    decided
  })

  const missed = (what: string) => (err: unknown) => log.warn({ event: 'PolicyUpkeepFailed', err }, what)
  const look = async (): Promise<void> => {
    const news = await live.look()
    if (news.is === 'loaded')
      log.info({ event: 'PolicyLoaded', policy_hash: news.policy.hash }, 'another acceptance policy holds')
    if (news.is === 'refused')
      log.error(
        { event: 'PolicyRefused', file, problem: news.problem },
        'the file of the acceptance policy is wrong; the earlier one holds'
      )
  }
  const counts = (): Promise<void> =>
    judging.flush().catch(missed('how many items were accepted could not be recorded'))
  const upkeep = async (): Promise<void> => {
    quarantine.resume()
    await quarantine.expire()
  }
  const timers = [
    setInterval(
      () => void look().catch(missed('the file of the policy could not be followed')),
      LOOK_EVERY_MS
    ),
    setInterval(() => void counts(), RECORD_EVERY_MS),
    setInterval(() => void upkeep().catch(missed('what is too old stays in quarantine')), UPKEEP_EVERY_MS)
  ]
  for (const timer of timers) timer.unref()
  started.defer(async () => {
    for (const timer of timers) clearInterval(timer)
    await counts()
  })
  const { part } = audit
  return {
    acceptance: judging,
    judgeOwn: (evidence, ids) => judging.judgeOwn(evidence, ids),
    admin: policyAdmin({
      live,
      rows,
      quarantine,
      file,
      recorded: async id => part && recordedDecision(part.log, id)
    }),
    current: () => live.current,
    standing: () => ({
      policy_version: live.current.policy.version,
      policy_hash: live.current.hash,
      ...(live.problem !== undefined && { policy_problem: live.problem.slice(0, 256) }),
      held_items: quarantine.items,
      held_bytes: quarantine.bytes
    })
  }
}

function standingOf(origin: string, { allowlist, peerKeys: { known } }: PolicyPlace): Standing {
  const entry = allowlist.get(origin)
  if (entry === undefined) return 'unknown'
  if (known.quarantine(origin) !== undefined) return 'quarantined'
  return allowlist.isOver(entry) ? 'expired' : 'allowed'
}
