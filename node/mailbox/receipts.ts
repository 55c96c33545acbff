import { peerIdFromString } from '@libp2p/peer-id'
import {
  type CanonicalValue,
  canonicalJson,
  delegationProblem,
  isSignedBy,
  parseDelegation,
  signedBytes,
  verifyingKey
} from '../../federation/index.ts'

/** First line of what is signed. */
export const RECEIPT_TAG = 'omnigate/mailbox-receipt/1'

const STATES = ['stored', 'delivered', 'acked', 'expired', 'dead', 'refused'] as const
const MAX_BYTES = 16_384
const SECOND_MS = 1000

/** What became of a message. @see specs/mailbox.md, section 8 */
export type ReceiptStatement = {
  /** Unix ms. */
  readonly at: number
  /** SHA-256 of the body in hex. */
  readonly body_hash: string
  readonly hub: string
  readonly msg_id: string
  /** Why another hub never got it; with the state `refused` alone. */
  readonly reason?: string
  readonly state: (typeof STATES)[number]
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

/**
 * The statement of a receipt or bounce that `hub` stands behind.
 * @throws SyntaxError saying what is wrong with it.
 */
export function verifyReceipt(body: Uint8Array, hub: string): ReceiptStatement {
  if (body.length > MAX_BYTES) throw new SyntaxError(`longer than ${MAX_BYTES} bytes`)
  const { delegation: text, signature, statement } = parse(body)
  const delegation = parseDelegation(`${text}\n`)
  if (statement.hub !== hub || delegation.statement.hub !== hub) throw new SyntaxError('of another hub')
  const problem = delegationProblem(delegation, Math.floor(statement.at / SECOND_MS))
  if (problem !== undefined) throw new SyntaxError(`delegation: ${problem}`)
  const key = peerIdFromString(delegation.statement.peer_id).publicKey
  if (key?.type !== 'Ed25519') throw new SyntaxError('delegation: not an Ed25519 key')
  const bytes = signedBytes(RECEIPT_TAG, statement)
  if (!isSignedBy(verifyingKey(key.raw), bytes, Buffer.from(signature, 'base64')))
    throw new SyntaxError('not signed by the node that the delegation names')
  return statement
}

/** Which hub a receipt says it is of. @throws SyntaxError for what is no receipt */
export const claimedHub = (text: string): string => parse(Buffer.from(text)).statement.hub

interface Receipt {
  readonly delegation: string
  readonly signature: string
  readonly statement: ReceiptStatement
}

/** Only the canonical form is taken, so that no two texts are one receipt. */
function parse(body: Uint8Array): Receipt {
  const text = Buffer.from(body).toString()
  const value = JSON.parse(text) as Partial<Receipt> | null
  const { delegation, signature, statement } = value ?? {}
  if (typeof delegation !== 'string' || typeof signature !== 'string' || !isStatement(statement))
    throw new SyntaxError('not a receipt')
  const receipt = { delegation, signature, statement }
  if (canonicalJson(receipt) !== text) throw new SyntaxError('not canonical JSON')
  return receipt
}

function isStatement(value: unknown): value is ReceiptStatement {
  if (typeof value !== 'object' || value === null) return false
  const { at, body_hash, hub, msg_id, reason, state, topic } = value as Partial<
    Record<keyof ReceiptStatement, unknown>
  >
  return (
    Object.keys(value).length === (state === 'refused' ? 7 : 6) &&
    (state !== 'refused' || (typeof reason === 'string' && /^[a-z][a-z0-9_]{0,31}$/.test(reason))) &&
    Number.isSafeInteger(at) &&
    [hub, msg_id, topic].every(member => typeof member === 'string') &&
    typeof body_hash === 'string' &&
    /^[0-9a-f]{64}$/.test(body_hash) &&
    STATES.some(known => known === state)
  )
}
