import { hubId, publicBytes, signingKey } from '../../federation/index.ts'
import type { Evidence, Standing, Verdict } from '../../federation/index.ts'
import type { AuditEvent } from '../audit/index.ts'
import type { Level } from '../stores/level.ts'
import { Judging } from './judging.ts'
import type { NotNow } from './judging.ts'
import { BUILT_IN } from './policy-in-force.ts'
import type { PolicyInForce } from './policy-in-force.ts'
import { Quarantine } from './quarantine.ts'
import type { QuarantineOptions } from './quarantine.ts'
import { QUARANTINE } from './room.ts'
import type { Item, ItemEvidence } from './types.ts'

const MIB = 1024 * 1024

/** The hub id of the n-th hub. */
export const hubNumber = (n: number): string => hubId(publicBytes(signingKey(new Uint8Array(32).fill(n))))

/** Evidence of the n-th message of a hub; by the built-in policy one that waits. */
export const evidence = (n: number, change: Partial<Evidence> = {}): ItemEvidence => ({
  kind: 'mailbox.shared',
  origin: hubNumber(1),
  share: '5f1d09c4a7e24be08c3a6d2f90b1e7c8',
  id: n.toString(16).padStart(64, '0'),
  type: 'mailbox.message',
  bytes: 300_000,
  number: n,
  ...change
})

export const item = (text = 'bed 7'): Item => ({
  statement: Buffer.from(`statement of ${text}`),
  body: Buffer.from(text)
})

export interface Judge {
  readonly judging: Judging
  readonly quarantine: Quarantine
  /** All that was recorded, in order; with `answered` where the test puts it. */
  readonly entries: { readonly type: string; readonly data: Record<string, unknown> }[]
  readonly verdicts: (Verdict | NotNow)[]
}

export interface JudgeOptions extends Partial<Omit<QuarantineOptions, 'record' | 'now'>> {
  readonly policy?: () => PolicyInForce
  readonly standing?: () => Standing
  readonly now?: () => number
  /** In the place of an audit log. */
  readonly record?: (event: AuditEvent) => Promise<void>
}

/** What judges, over a store, with the real quarantine. */
export async function judge(
  level: Level,
  {
    policy = () => BUILT_IN,
    standing = () => 'allowed',
    now = () => 1000,
    record,
    bounds = { ...QUARANTINE, bytes: 64 * MIB },
    ...rest
  }: JudgeOptions = {}
): Promise<Judge> {
  const entries: Judge['entries'] = []
  const verdicts: Judge['verdicts'] = []
  const append = async (event: AuditEvent): Promise<void> => {
    await record?.(event)
    entries.push({ type: event.content.type, data: event.content.data })
  }
  const quarantine = await Quarantine.open(() => level, { bounds, record: append, now, ...rest })
  const judging = new Judging({
    policy,
    standing,
    quarantine,
    record: append,
    now,
    decided: verdict => verdicts.push(verdict)
  })
  return { judging, quarantine, entries, verdicts }
}
