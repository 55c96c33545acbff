import { DELEGATION, REVOCATION_HEAD, exactly, formed, listOf, readSigned } from '../../federation/index.ts'
import type { CanonicalValue, Form, Signed, StatementKind } from '../../federation/index.ts'
import { OapError, encodeJson, parseJson } from '../../protocols/index.ts'
import type { JsonObject } from '../../protocols/index.ts'
import { MAX_STATEMENTS_AT_ONCE, REVOCATION } from '../capabilities/index.ts'
import type { KeyDelegation } from '../capabilities/index.ts'
import type { RevocationNews } from './following.ts'

const MAX_DELEGATIONS = 8

/** A signed statement of a kind inside other JSON. */
const signedOf =
  <S extends CanonicalValue>(kind: StatementKind<S>): Form<Signed<S>> =>
  (value, path, tell) => {
    try {
      return readSigned(kind, value)
    } catch (error) {
      if (error instanceof SyntaxError) return tell(path, error.message)
      throw error
    }
  }

const NEWS = exactly(
  {
    delegations: listOf(signedOf(DELEGATION), MAX_DELEGATIONS),
    statements: listOf(signedOf(REVOCATION), MAX_STATEMENTS_AT_ONCE)
  },
  { head: signedOf(REVOCATION_HEAD) }
)

/** The body of `revoked`. */
export function newsBytes({ delegations, statements, head }: RevocationNews): Uint8Array {
  return encodeJson({
    delegations: delegations.map(inJson),
    statements: statements.map(inJson),
    ...(head !== undefined && { head: inJson(head) })
  })
}

/** @throws OapError `bad_request`, `body_oversize`. Nothing of it is proved. */
export function newsIn(body: Uint8Array): RevocationNews {
  const value = parseJson(body)
  try {
    const { delegations, statements, head } = formed(NEWS, value)
    const keys = delegations as readonly KeyDelegation[]
    if (keys.some(({ statement }) => statement.role !== 'revocation'))
      throw new SyntaxError('delegations: of another role')
    return { delegations: keys, statements, head } as RevocationNews
  } catch (error) {
    if (error instanceof SyntaxError) throw new OapError('bad_request', `revoked: ${error.message}`)
    throw error
  }
}

const inJson = ({ statement, signature }: Signed<unknown>): JsonObject => ({
  signature: Buffer.from(signature).toString('base64'),
  statement: statement as JsonObject
})
