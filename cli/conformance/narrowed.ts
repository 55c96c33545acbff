import { createHmac } from 'node:crypto'
import { decodeToken } from '../../protocols/index.ts'

const SIGNATURE_BYTES = 32
const IDENTIFIER = 2
const END = 0
const SIGNATURE = 6
/** The end of the caveats, and the signature with its type and length. */
const TAIL_BYTES = 1 + 2 + SIGNATURE_BYTES

/**
 * A token with caveats of any text and in any number behind its own: what no honest writer makes, too.
 * @throws when it has discharges, since nothing can be added to these.
 */
export function narrowed(token: Uint8Array, caveats: readonly string[]): Buffer {
  if (decodeToken(token).discharges.length > 0)
    throw new Error('a token that has discharges cannot be narrowed; give the one without them')
  const head = [Buffer.from(token.subarray(0, -TAIL_BYTES))]
  let signature = Buffer.from(token.subarray(-SIGNATURE_BYTES))
  for (const caveat of caveats) {
    const text = Buffer.from(caveat, 'latin1')
    head.push(Buffer.from([IDENTIFIER, ...varint(text.length)]), text, Buffer.from([END]))
    signature = createHmac('sha256', signature).update(text).digest()
  }
  return Buffer.concat([...head, Buffer.from([END, SIGNATURE, SIGNATURE_BYTES]), signature])
}

const varint = (length: number): readonly number[] =>
  length < 0x80 ? [length] : [(length & 0x7f) | 0x80, length >> 7]
