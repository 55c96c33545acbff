/** Written from oap-1.md alone, to judge what the specification prints; shares nothing with protocols/. */
export const FLAGS: Readonly<Record<string, number>> = {
  REQ: 0x01,
  RESP: 0x02,
  EVENT: 0x04,
  START: 0x08,
  END: 0x10,
  ACK_REQ: 0x20,
  COMP: 0x40,
  APP_E2E: 0x80
}

export interface DecodedFrame {
  readonly len: number
  readonly flags: readonly string[]
  readonly code: number
  readonly app: number
  readonly tenant: string
  readonly cap: Buffer
  readonly corr_id: string
  readonly payload: Buffer
}

export type Decoded =
  | { readonly outcome: 'frame'; readonly frame: DecodedFrame; readonly next: number }
  | { readonly outcome: 'partial' }
  | {
      readonly outcome: 'bad_frame' | 'bad_version' | 'bad_sequence' | 'frame_oversize'
      readonly next?: number
    }

const HEADER = 37
const MAX_LEN = 1_048_576

/** Section 4, steps 1 to 5, for the frame at `at`. A refusal without `next` ends the stream. */
export function decodeFrame(b: Buffer, at = 0): Decoded {
  if (b.length < at + 4) return { outcome: 'partial' }
  const len = b.readUInt32LE(at)
  if (len < 33) return { outcome: 'bad_frame' }
  if (len > MAX_LEN) return { outcome: 'frame_oversize' }
  if (b.length < at + HEADER) return { outcome: 'partial' }
  if (b.readUInt8(at + 4) !== 1) return { outcome: 'bad_version' }
  const next = at + 4 + len
  const bits = b.readUInt16LE(at + 5)
  const capLength = b.readUInt16LE(at + 27)
  if (capLength > len - 33) return { outcome: 'bad_frame', next }
  if (capLength > 0 && (bits & 0x08) === 0) return { outcome: 'bad_sequence', next }
  if (b.length < next) return { outcome: 'partial' }
  return { outcome: 'frame', frame: readFrame(b.subarray(at, next), bits, capLength), next }
}

function readFrame(b: Buffer, bits: number, capLength: number): DecodedFrame {
  return {
    len: b.readUInt32LE(0),
    flags: Object.keys(FLAGS).filter(name => (bits & FLAGS[name]!) !== 0),
    code: b.readUInt16LE(7),
    app: b.readUInt16LE(9),
    tenant: uuid(Buffer.from(b.subarray(11, 27)).reverse().toString('hex')),
    corr_id: b.readBigUInt64LE(29).toString(16).padStart(16, '0'),
    cap: b.subarray(HEADER, HEADER + capLength),
    payload: b.subarray(HEADER + capLength)
  }
}

const uuid = (hex: string): string => hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')

/** The outcomes of all frames in `b`, and how it ends: the format of `sequences` in the vectors. */
export function decodeAll(b: Buffer): { readonly outcome: string[]; readonly rest: string } {
  const outcome: string[] = []
  for (let at = 0; at < b.length;) {
    const decoded = decodeFrame(b, at)
    if (decoded.outcome === 'partial') return { outcome, rest: 'partial' }
    outcome.push(decoded.outcome)
    if (decoded.next === undefined) return { outcome, rest: 'broken' }
    at = decoded.next
  }
  return { outcome, rest: 'clean' }
}
