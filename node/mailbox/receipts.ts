import { canonicalJson, signedBytes } from '../canonical.ts'
import type { CanonicalValue } from '../canonical.ts'

/** First line of what is signed. */
export const RECEIPT_TAG = 'omnigate/mailbox-receipt/1'

/** What became of a message. @see specs/mailbox.md, section 8 */
export type ReceiptStatement = {
  /** Unix ms. */
  readonly at: number
  /** SHA-256 of the body in hex. */
  readonly body_hash: string
  readonly hub: string
  readonly msg_id: string
  readonly state: 'stored' | 'delivered' | 'acked' | 'expired' | 'dead'
  readonly topic: string
}

/** Who signs for the hub. */
export interface ReceiptSigner {
  readonly hub: string
  /** The hub key's word for the key that signs: the text of `delegation.json` without its line feed. */
  readonly delegation: string
  /** 64 bytes of Ed25519. */
  sign(bytes: Uint8Array): Uint8Array
}

/** The body of a receipt or bounce: canonical JSON that verifies offline. */
export function signReceipt(signer: ReceiptSigner, about: Omit<ReceiptStatement, 'hub'>): Uint8Array {
  const statement: ReceiptStatement = { ...about, hub: signer.hub }
  const signature = Buffer.from(signer.sign(signedBytes(RECEIPT_TAG, statement))).toString('base64')
  const receipt: CanonicalValue = { delegation: signer.delegation, signature, statement }
  return Buffer.from(canonicalJson(receipt))
}
