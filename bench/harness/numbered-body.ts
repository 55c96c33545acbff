import { randomFillSync } from 'node:crypto'

const HEAD_BYTES = 8

/** Which message of a phase a body is. */
export interface NumberedBody {
  readonly phase: number
  readonly from: number
  readonly number: number
}

/** A body that says which it is, and is noise behind that. */
export function numberedBody({ phase, from, number }: NumberedBody, bytes: number): Uint8Array {
  const body = Buffer.alloc(Math.max(bytes, HEAD_BYTES))
  randomFillSync(body, HEAD_BYTES)
  body.writeUInt16BE(phase, 0)
  body.writeUInt16BE(from, 2)
  body.writeUInt32BE(number, 4)
  return body
}

export function readNumbered(body: Uint8Array): NumberedBody {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength)
  return { phase: view.getUint16(0), from: view.getUint16(2), number: view.getUint32(4) }
}
