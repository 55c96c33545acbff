import { FLAGS } from './reference-decoder.ts'

/** A bytes expression of the vectors: specs/vectors/README.md, Bytes. */
export type Bytes =
  | string
  | readonly Bytes[]
  | { readonly utf8: string }
  | { readonly repeat: { readonly hex: string; readonly count: number } }
  | { readonly record: { readonly header: Bytes; readonly body?: Bytes } }
  | { readonly batch: readonly Bytes[] }

/** A frame as the vectors write it. */
export interface VectorFrame {
  readonly flags: readonly string[]
  readonly reserved_flags?: number
  readonly code?: number
  readonly app?: number
  readonly tenant?: string
  readonly cap?: Bytes
  readonly corr_id: string
  readonly payload?: Bytes
}

const FRAME_MEMBERS = 'flags reserved_flags code app tenant cap corr_id payload'.split(' ')

/** The bytes that an expression stands for. Throws for any other form. */
export function vectorBytes(e: Bytes = ''): Buffer {
  if (typeof e === 'string') return hexBytes(e)
  if (isList(e)) return Buffer.concat(e.map(part => vectorBytes(part)))
  if ('utf8' in e) return Buffer.from(e.utf8, 'utf8')
  if ('repeat' in e) return Buffer.concat(Array<Buffer>(e.repeat.count).fill(hexBytes(e.repeat.hex)))
  if ('batch' in e) return Buffer.concat(e.batch.map(part => sized(vectorBytes(part))))
  if ('record' in e) return recordBytes(vectorBytes(e.record.header), vectorBytes(e.record.body))
  throw new Error(`not a bytes expression: ${JSON.stringify(e)}`)
}

const isList = (e: Bytes): e is readonly Bytes[] => Array.isArray(e)

function hexBytes(hex: string): Buffer {
  if (!/^([0-9a-f]{2})*$/.test(hex)) throw new Error(`not lower-case hex: ${hex}`)
  return Buffer.from(hex, 'hex')
}

function sized(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32LE(bytes.length)
  return Buffer.concat([length, bytes])
}

function recordBytes(header: Buffer, body: Buffer): Buffer {
  const prefix = Buffer.alloc(3)
  prefix.writeUInt16LE(header.length, 1)
  return Buffer.concat([prefix, header, body])
}

/** The bytes of a frame, unjudged. Throws for members that the format does not have. */
export function vectorFrame(frame: VectorFrame): Buffer {
  const stray = Object.keys(frame).find(member => !FRAME_MEMBERS.includes(member))
  if (stray !== undefined) throw new Error(`not a member of a frame: ${stray}`)
  const { flags, reserved_flags = 0, code = 0, app = 1, tenant, corr_id } = frame
  const cap = vectorBytes(frame.cap)
  const payload = vectorBytes(frame.payload)
  const header = Buffer.alloc(37)
  header.writeUInt32LE(33 + cap.length + payload.length, 0)
  header.writeUInt8(1, 4)
  header.writeUInt16LE(
    flags.reduce((bits, name) => bits | flagBit(name), reserved_flags),
    5
  )
  header.writeUInt16LE(code, 7)
  header.writeUInt16LE(app, 9)
  if (tenant !== undefined) hexBytes(tenant.replaceAll('-', '')).reverse().copy(header, 11)
  header.writeUInt16LE(cap.length, 27)
  header.writeBigUInt64LE(BigInt(`0x${corr_id}`), 29)
  return Buffer.concat([header, cap, payload])
}

function flagBit(name: string): number {
  const bit = FLAGS[name]
  if (bit === undefined) throw new Error(`not a flag: ${name}`)
  return bit
}

/** What a `send` step writes: hex, a frame, or a list of these. */
export function vectorSend(send: string | VectorFrame | readonly (string | VectorFrame)[]): Buffer {
  if (typeof send === 'string') return hexBytes(send)
  if ('flags' in send) return vectorFrame(send)
  return Buffer.concat(send.map(part => vectorSend(part)))
}
