import { DELEGATION } from '../delegation.ts'
import type { Delegation } from '../delegation.ts'
import type { Form } from '../form.ts'
import { textOf } from '../form.ts'
import { peerPublicKey } from '../peer-key.ts'
import { readSigned } from '../statement.ts'

/** Text of at most so many UTF-8 bytes. */
export const textWithin =
  (maxBytes: number): Form<string> =>
  (value, path, tell) =>
    typeof value === 'string' && value.length <= maxBytes && Buffer.byteLength(value) <= maxBytes
      ? value
      : tell(path, `not text of at most ${maxBytes} bytes`)

const PEER_ID = textOf(/^12D3KooW[1-9A-HJ-NP-Za-km-z]{44}$/, 'the peer id of an Ed25519 key')

/** A peer id whose key is an Ed25519 key that may sign. */
export const ed25519PeerId: Form<string> = (value, path, tell) => {
  const text = PEER_ID(value, path, tell)
  if (text === undefined || peerPublicKey(text) !== undefined) return text
  return tell(path, 'not the peer id of a usable Ed25519 key')
}

/** A delegation for a link, of the right form; nothing of it is proved. */
export const linkDelegation: Form<Delegation> = (value, path, tell) => {
  try {
    const { statement, signature } = readSigned(DELEGATION, value)
    if (statement.role === 'link') return { statement, signature }
    return tell(`${path}.statement.role`, 'not link')
  } catch (error) {
    if (error instanceof SyntaxError) return tell(path, error.message)
    throw error
  }
}
