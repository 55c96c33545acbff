import {
  adminService,
  federationAdminOperations,
  linksAdminOperations,
  policyAdminOperations
} from '../../protocols/index.ts'
import type { Handlers } from '../../protocols/index.ts'
import { recordingRefusals } from '../admin/refused-requests.ts'
import { AuditNames, parseEntry } from '../audit/index.ts'
import type { AuditLog } from '../audit/index.ts'
import { operatorOf } from '../capabilities/index.ts'
import { nodePlatform } from '../platform.ts'
import type { NodeAudit } from './audit.ts'
import type { NodeBase } from './base.ts'

/** What a relayed call is refused with is the answer of another hub, so it is no row here. */
const { relay: _, ...LINKS } = linksAdminOperations
export const FEDERATION_ROWS = { ...federationAdminOperations, ...policyAdminOperations, ...LINKS }

const SERVICE = 'admin'
const APART_MS = 10_000

/** The operator's rows about federation in a running node; those that change something have their refusals recorded. */
export const recorded = (
  { log }: Pick<NodeBase, 'log'>,
  audit: NodeAudit,
  handlers: Handlers<typeof FEDERATION_ROWS>
): Handlers<typeof FEDERATION_ROWS> =>
  recordingRefusals(FEDERATION_ROWS, handlers, {
    record: async (refused, call) => {
      const { actor, ...ids } = operatorOf(call)
      await audit.refused(actor, { service: SERVICE, ...refused }, ids)
    },
    missed: err =>
      log.warn({ event: 'AuditMissed', err }, "a refusal of an operator's request could not be recorded"),
    now: () => nodePlatform.now()
  })

/**
 * The same for the folder of a stopped node. Each command is a process of its own, so the log says how many there were:
 * none is recorded within ten seconds of one that is its last entry.
 */
export function recordedStopped(
  log: Pick<AuditLog, 'append' | 'lines' | 'size'>,
  handlers: Handlers<typeof federationAdminOperations>,
  nowMs: () => number = Date.now
): Handlers<typeof federationAdminOperations> {
  const names = new AuditNames([adminService])
  return recordingRefusals(federationAdminOperations, handlers, {
    record: async (refused, call) => {
      if (await isJustRecorded(log, nowMs())) return
      const { actor, ...ids } = operatorOf(call)
      await log.append(names.refusal(actor, { service: SERVICE, ...refused }, ids))
    },
    // What the log failed with it throws again at the next entry, and when it is opened.
    missed: () => undefined,
    now: () => nodePlatform.now()
  })
}

async function isJustRecorded(log: Pick<AuditLog, 'lines' | 'size'>, nowMs: number): Promise<boolean> {
  const { size } = log
  if (size === 0) return false
  for await (const [line] of log.lines(size - 1, size)) {
    const { type, actor, ts } = parseEntry(line!)
    return type === 'refusal' && actor === 'local' && Math.abs(nowMs - ts) < APART_MS
  }
  return false
}
