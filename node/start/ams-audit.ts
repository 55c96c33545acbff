import { ANONYMOUS } from '../ams/access/index.ts'
import type { AmsTold } from '../ams/told.ts'
import { auditEvent, commitment } from '../audit/index.ts'
import type { AuditEvent, CallIds, EventData } from '../audit/index.ts'
import { traced } from '../http/traceparent.ts'
import { RETAINED } from '../stores/ams/index.ts'

/** Members that stand in the log as they are; of all others, which callers choose, only what commits to them. */
const PLAIN: readonly string[] = [
  'sha256',
  'status',
  'n',
  'bytes',
  'change',
  'what',
  'at_ms',
  'days',
  'count',
  ...RETAINED
]

/** The entry of the audit log about what became of something on the AMS surface. @see specs/audit.md, section 8 */
export function auditOf({ type, by, data, trace }: AmsTold): AuditEvent {
  const members = Object.entries(data).map(([name, value]) =>
    PLAIN.includes(name) ? [name, value] : [`${name}_sha256`, commitment(String(value))]
  )
  const said = Object.fromEntries(members) as EventData<AmsTold['type']>
  return auditEvent(type, actorOf(by), said, idsOf(trace))
}

/** What an entry says of the request that caused it, of its W3C traceparent. */
export function idsOf(trace: string | undefined): CallIds {
  const { trace_id: traceId } = traced(trace)
  return traceId === undefined ? {} : { traceId }
}

/** Who did it, as the log names callers. */
export function actorOf(by: string): string {
  if (by === 'hub') return 'node'
  return by === ANONYMOUS || by.startsWith('cap:') || by.startsWith('hub:') ? by : `token:${by}`
}
