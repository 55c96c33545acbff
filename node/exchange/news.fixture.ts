import { REVOCATION_HEAD, hubId, publicBytes, signStatement, signingKey } from '../../federation/index.ts'
import type { RevocationHeadStatement, Signed } from '../../federation/index.ts'
import { delegateKey } from '../capabilities/key-delegation.ts'
import type { KeyDelegation } from '../capabilities/key-delegation.ts'
import { EMPTY_LIST, formatRevocation, headOf, signRevocation } from '../capabilities/revocation-statement.ts'
import type { ListHead, Revoked, SignedRevocation } from '../capabilities/revocation-statement.ts'

export const NOW_S = 1_795_000_000
const HUB_KEY = signingKey(new Uint8Array(32).fill(21))
/** A hub whose list the tests write. */
export const HOME = hubId(publicBytes(HUB_KEY))
const DAY_S = 86_400

/** A key of its hub that signs revocations, and its delegation. */
export function revoker(epoch: number, after?: ListHead) {
  const key = signingKey(new Uint8Array(32).fill(30 + epoch))
  const hex = Buffer.from(publicBytes(key)).toString('hex')
  const delegation: KeyDelegation = delegateKey(HUB_KEY, {
    ...(after !== undefined && { after }),
    epoch,
    hub: HOME,
    key: hex,
    node: 'main',
    not_after: NOW_S + DAY_S,
    not_before: NOW_S - DAY_S,
    role: 'revocation'
  })
  return {
    delegation,
    /** Statements behind a head, for each thing one. */
    revoke(things: readonly Revoked[], from: ListHead = EMPTY_LIST): SignedRevocation[] {
      let head = from
      return things.map(revoke => {
        const seq = head.seq + 1
        const statement = {
          at: NOW_S,
          epoch,
          hub: HOME,
          key: hex,
          prev: head.digest,
          reason: '',
          revoke,
          seq
        }
        const signed = signRevocation(key, statement)
        head = headOf(seq, formatRevocation(signed))
        return signed
      })
    },
    headAt(
      head: ListHead,
      at: number,
      change: Partial<RevocationHeadStatement> = {}
    ): Signed<RevocationHeadStatement> {
      const { seq, digest } = head
      return signStatement(REVOCATION_HEAD, key, { at, seq, digest, epoch, hub: HOME, key: hex, ...change })
    }
  }
}

/** Where a list ends. */
export function endOf(statements: readonly SignedRevocation[]): ListHead {
  const last = statements.at(-1)
  return last === undefined ? EMPTY_LIST : headOf(last.statement.seq, formatRevocation(last))
}

export const capIdOf = (n: number): string => n.toString(16).padStart(32, '0')
