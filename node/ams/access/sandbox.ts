import type { Status } from '../status.ts'
import { PUBLIC_SANDBOX } from './exposure.ts'

/** What becomes of an envelope, and why. */
export interface Judgement<S extends Status = Status> {
  readonly status: S
  readonly reasons: readonly string[]
}

/** Stands with the reasons of what is quarantined because everybody may post it. */
export const SANDBOX_REASON = 'sandbox'

/** The same judgement in a public sandbox: nothing is accepted there before a moderator has seen it. */
export function judgedInSandbox<S extends Status>({
  status,
  reasons
}: Judgement<S>): Judgement<S | 'quarantined'> {
  const isFree = status === 'accepted' || status === 'queued'
  return { status: isFree ? 'quarantined' : status, reasons: [...reasons, SANDBOX_REASON] }
}

/** Whether an envelope may go on to other hubs by itself. What everybody may post never does. */
export const mayFederate = (sandbox: string, status: Status): boolean =>
  sandbox !== PUBLIC_SANDBOX && status === 'accepted'

/** What health, manifests and log say of it; nothing where a hub is no sandbox. */
export const sandboxNotice = (
  sandbox: string
): { readonly sandbox?: string; readonly sandbox_notice?: string } =>
  sandbox === PUBLIC_SANDBOX
    ? {
        sandbox,
        sandbox_notice: 'everybody may write here; what is posted is quarantined and goes to no other hub'
      }
    : {}
