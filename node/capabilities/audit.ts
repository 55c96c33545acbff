import { createHash } from 'node:crypto'

/** Who does something: `node`, `local` for the operator, or `cap:` and a capability id; and in which call. */
export interface By {
  readonly actor: string
  /** 16 hex digits. */
  readonly corrId?: string
}

/** Who may open the admin socket, or the data folder of a stopped node, is the operator. */
export const operatorOf = ({ corrId }: { readonly corrId: bigint }): By => ({
  actor: 'local',
  ...(corrId !== 0n && { corrId: corrId.toString(16).padStart(16, '0') })
})

interface EventData {
  readonly mint: {
    readonly cap_id: string
    readonly kid: number
    readonly tenant: string
    readonly expires_s: number
    readonly bearer: boolean
    readonly caveats: number
    readonly caveats_sha256: string
  }
  readonly renew: { readonly cap_id: string; readonly kid: number; readonly expires_s: number }
  readonly rotate: {
    readonly kid: number
    readonly previous: number
    readonly grace_s: number
    readonly break_glass: boolean
  }
  readonly revocation_key: { readonly epoch: number; readonly key_sha256: string }
  readonly revoke: {
    readonly cap_id?: string
    readonly kid?: number
    readonly subject_sha256?: string
    readonly reason_sha256?: string
    readonly revocation_seq: number
  }
  readonly tenant: {
    readonly tenant: string
    readonly change: 'add' | 'limit' | 'remove' | 'purge'
    readonly limits_sha256?: string
  }
}

/** What is recorded of capabilities: ids, numbers and commitments; never a token, a name or a reason in words. */
export type CapabilityEvent = {
  [T in keyof EventData]: By & { readonly type: T; readonly data: EventData[T] }
}[keyof EventData]

export interface CapabilityAudit {
  /** Resolves once the event would survive a power cut; the action is answered only then. */
  record(event: CapabilityEvent): Promise<void>
}

/** SHA-256 in hex: what is recorded of words. */
export const commitment = (words: string): string => createHash('sha256').update(words).digest('hex')

/** Records one event; resolves as `CapabilityAudit.record`. */
export const record = <T extends CapabilityEvent['type']>(
  audit: CapabilityAudit,
  type: T,
  by: By,
  data: EventData[T]
): Promise<void> => audit.record({ type, ...by, data } as CapabilityEvent)
