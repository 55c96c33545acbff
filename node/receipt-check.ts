import { verifyPortableReceipt } from '../federation/index.ts'
import { readBoundedFile } from './durable-file.ts'
import { claimedHub, verifyReceipt } from './mailbox/index.ts'

const MAX_BYTES = 16_384

/** What a receipt or bounce says, and who stands behind it. */
export interface CheckedReceipt {
  /** `message`: what became of a message of that hub. `directed`: that hub has one of another. */
  readonly kind: 'message' | 'directed'
  readonly hub: string
  readonly statement: Readonly<Record<string, string | number>>
}

/** With what a receipt is checked. */
export interface ReceiptTrust {
  /** Whose it has to be; without it, whose it says it is. */
  readonly hub?: string | undefined
  /** A file with the delegation of its key, for one that does not hold it. */
  readonly delegation?: string | undefined
}

/**
 * Verifies the receipt in a file, offline.
 * @throws SyntaxError saying what is wrong with it; SetupError where a file cannot be read
 */
export async function checkReceiptFile(
  path: string,
  { hub, delegation }: ReceiptTrust = {}
): Promise<CheckedReceipt> {
  const text = (await readBoundedFile(path, { maxBytes: MAX_BYTES })).replace(/\n$/, '')
  if (isOfMessage(text)) {
    const whose = hub ?? claimedHub(text)
    return { kind: 'message', hub: whose, statement: verifyReceipt(Buffer.from(text), whose) }
  }
  const beside = delegation && (await readBoundedFile(delegation, { maxBytes: MAX_BYTES })).trimEnd()
  const statement = verifyPortableReceipt(text, { hub, delegation: beside || undefined })
  return { kind: 'directed', hub: statement.hub, statement }
}

/** Receipts of a hub's own messages name a message id, those of another's a federated id. */
function isOfMessage(text: string): boolean {
  try {
    return (JSON.parse(text) as { statement?: { msg_id?: unknown } } | null)?.statement?.msg_id !== undefined
  } catch {
    throw new SyntaxError('not JSON')
  }
}
