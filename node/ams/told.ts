import type { Artifact, BlockEvent, Entry, EnvelopeEvent, Gone, RetentionRun } from '../stores/ams/index.ts'

/** What the audit log is told of the AMS surface: names and digests, never what was said. */
export interface AmsTold {
  readonly type:
    | 'ams.envelope.created'
    | 'ams.envelope.updated'
    | 'ams.envelope.redacted'
    | 'ams.removed'
    | 'ams.retention'
    | 'ams.sender'
    | 'artifact.upserted'
    | 'room.message'
    | 'notary.record'
  /** Who did it, as records name it. */
  readonly by: string
  /** The W3C traceparent of the request that did it. */
  readonly trace?: string | undefined
  readonly data: Readonly<Record<string, string | number>>
}

interface Noted {
  readonly by: string
  readonly members: Readonly<Record<string, unknown>>
}

export function envelopeTold({ is, envelope, record, trace }: EnvelopeEvent): AmsTold {
  const { id, type, thread, from, to } = envelope.immutable
  const { n, status, by } = record
  const whole = { id, sha256: envelope.sha256, type, thread, from, to, n, status }
  return { type: `ams.envelope.${is}`, by, trace, data: present(whole) }
}

export const roomTold = (
  { id, group, value: { by, members } }: Entry<Noted>,
  trace: string | undefined
): AmsTold => ({
  type: 'room.message',
  by,
  trace,
  data: present({ id, room: group, from: members['from'], kind: members['kind'] })
})

export const notaryTold = (
  { id, value: { by, members } }: Entry<Noted>,
  trace: string | undefined
): AmsTold => ({
  type: 'notary.record',
  by,
  trace,
  data: present({ id, kind: members['kind'], subject: members['subject'], sha256: members['sha256'] })
})

export const artifactTold = (
  { key, sha256, bytes, content_type, by }: Artifact,
  trace: string | undefined
): AmsTold => ({
  type: 'artifact.upserted',
  by,
  trace,
  data: { key, sha256, bytes, content_type }
})

export const goneTold = (
  what: 'artifact' | 'message' | 'record',
  { id, by, reason, trace }: Gone
): AmsTold => ({
  type: 'ams.removed',
  by,
  trace,
  data: present({ what, id, reason })
})

export const senderTold = ({ change, from, reason, by, trace }: BlockEvent): AmsTold => ({
  type: 'ams.sender',
  by,
  trace,
  data: present({ change, from, reason })
})

export const retentionTold = ({ at, by, days, count, removed, bytes, trace }: RetentionRun): AmsTold => ({
  type: 'ams.retention',
  by,
  trace,
  data: present({ at_ms: Date.parse(at), days, count, ...removed, bytes })
})

const present = (members: Readonly<Record<string, unknown>>): AmsTold['data'] =>
  Object.fromEntries(
    Object.entries(members).filter(
      (member): member is [string, string | number] =>
        typeof member[1] === 'string' || typeof member[1] === 'number'
    )
  )
