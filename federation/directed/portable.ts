import { canonicalJson, isTextOf } from '../canonical.ts'
import { delegationProblem, formatDelegation, parseDelegation } from '../delegation.ts'
import type { Delegation } from '../delegation.ts'
import { isStatementBy, parsedJson, readSigned } from '../statement.ts'
import type { Signed } from '../statement.ts'
import { DIRECTED } from './numbers.ts'
import { DIRECTED_RECEIPT } from './receipt.ts'
import type { DirectedReceiptStatement } from './receipt.ts'

/** A receipt as somebody keeps it: canonical JSON with the hub key's word for the key that signed it. */
export function formatPortableReceipt(
  { statement, signature }: Signed<DirectedReceiptStatement>,
  delegation: Delegation<'receipt'>
): string {
  return canonicalJson({
    delegation: formatDelegation(delegation).trimEnd(),
    signature: Buffer.from(signature).toString('base64'),
    statement
  })
}

/**
 * What a receipt says that `hub` stands behind, by nothing but its text; `delegation` is the line of one that it may do without.
 * Whether its key was revoked since, a text cannot tell.
 * @throws SyntaxError saying what is wrong with it.
 */
export function verifyPortableReceipt(
  text: string,
  {
    hub,
    delegation: given
  }: { readonly hub?: string | undefined; readonly delegation?: string | undefined } = {}
): DirectedReceiptStatement {
  if (text.length > DIRECTED.portableChars)
    throw new SyntaxError(`longer than ${DIRECTED.portableChars} characters`)
  const { delegation: within, ...rest } = (parsedJson(text) ?? {}) as { readonly delegation?: unknown }
  const signed = readSigned(DIRECTED_RECEIPT, rest)
  const line = typeof within === 'string' ? within : given
  if (line === undefined) throw new SyntaxError('delegation: missing, inside and beside it')
  const delegation = parseDelegation(`${line}\n`, 'receipt')
  const whole = within === undefined ? formatWithout(signed) : formatPortableReceipt(signed, delegation)
  if (!isTextOf(text, () => whole)) throw new SyntaxError('not canonical JSON')
  const { statement } = signed
  if (hub !== undefined && statement.hub !== hub) throw new SyntaxError(`made by hub ${statement.hub}`)
  const { hub: authority, key, epoch } = delegation.statement
  if (authority !== statement.hub || key !== statement.key || epoch !== statement.epoch)
    throw new SyntaxError('delegation: of another key or hub')
  const problem = delegationProblem(delegation, statement.at)
  if (problem !== undefined) throw new SyntaxError(`delegation: ${problem}`)
  if (!isStatementBy(DIRECTED_RECEIPT, signed, Buffer.from(key, 'hex')))
    throw new SyntaxError('not signed by the key that the delegation names')
  return statement
}

const formatWithout = ({ statement, signature }: Signed<DirectedReceiptStatement>): string =>
  canonicalJson({ signature: Buffer.from(signature).toString('base64'), statement })
