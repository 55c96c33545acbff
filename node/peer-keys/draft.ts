import { proofDigest } from '../../federation/index.ts'
import type { EquivocationProof, HubKeys, KeyRecord, Succession } from '../../federation/index.ts'
import { auditEvent, commitment } from '../audit/index.ts'
import type { AuditEvent } from '../audit/index.ts'
import { Chains } from './chains.ts'
import type { PeerKeyChange } from './peer-keys.ts'
import { proofRows, recordRow } from './rows.ts'
import type { NewRow } from './rows.ts'

/** What becomes known by some records, before it is durable. */
export class Draft {
  readonly hubs = new Map<string, HubKeys>()
  /** What is known, with `successions`. */
  readonly chains: Chains
  readonly successions: Succession[] = []
  readonly rows: NewRow[] = []
  readonly signatures: string[] = []
  readonly changes: PeerKeyChange[] = []
  readonly events: AuditEvent[] = []
  /** Of proofs: recorded before any of this holds. */
  readonly quarantines: AuditEvent[] = []
  readonly refused: string[] = []
  readonly equivocating = new Set<string>()
  learned = 0
  known = 0

  constructor(known: Chains) {
    this.chains = new Chains(known)
  }

  follows(succession: Succession): void {
    this.chains.add(succession)
    this.successions.push(succession)
  }

  took(one: KeyRecord, nowS: number): void {
    this.learned++
    this.rows.push(recordRow(one, nowS))
    this.signatures.push(signatureOf(one))
    if (one.kind === 'key_revocation') {
      const { hub, key } = one.record.statement
      this.changes.push({ hub, change: 'revocation' })
      this.events.push(auditEvent('peer_key', 'node', { hub, change: 'revoked', sha256: commitment(key) }))
    }
    if (one.kind === 'succession') {
      const { hub, successor } = one.record.statement
      this.changes.push({ hub, change: 'succession' })
      const sha256 = commitment(successor)
      this.events.push(auditEvent('peer_key', 'node', { hub, change: 'succession', sha256 }))
    }
  }

  proved(hub: string, proof: EquivocationProof, gone: EquivocationProof | undefined): void {
    this.learned++
    this.equivocating.add(hub)
    this.rows.push(...proofRows(hub, { proof, gone }))
    this.changes.push({ hub, change: 'quarantine' })
    this.quarantines.push(quarantined(hub, proof))
  }
}

/** What the audit log has of a proof. */
export const quarantined = (hub: string, proof: EquivocationProof): AuditEvent =>
  auditEvent('peer_key', 'node', { hub, change: 'quarantine', sha256: proofDigest(proof) })

/** Tells records apart: whoever signs twice with one signature has said one thing. */
export const signatureOf = (one: KeyRecord): string =>
  Buffer.from(one.kind === 'succession' ? one.record.signatures[0] : one.record.signature).toString('base64')
