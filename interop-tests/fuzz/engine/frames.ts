import { joined, spliced } from './mutate.ts'
import type { Mutation, Surroundings } from './mutate.ts'
import type { Random } from './random.ts'

export const HEADER = 37
const LEAST_LEN = 33
const MOST_LEN = 1_048_576
/** A frame of this version is no frame but a step of a conversation; see ./conversation.ts. */
export const STEP_VERSION = 0xd0

const REQ = 0x01
const START = 0x08
const END = 0x10
const EDGY_FLAGS = [
  0x09, 0x19, 0x01, 0x11, 0x29, 0x39, 0x59, 0x49, 0x41, 0x51, 0x99, 0xd9, 0x02, 0x0a, 0x12, 0x1a, 0x04, 0x00
]
const EDGY_CODES = [0, 0, 200, 299, 300, 400, 404, 413, 429, 500, 503, 504, 0xffff]
const EDGY_APPS = [0, 0, 1, 0x1001, 0x1001, 0x1001, 7, 0xffff]
const TOP_CORRS: readonly bigint[] = [0n, 1n << 53n, (1n << 53n) - 1n, (1n << 64n) - 1n]

const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** Bytes cut where their length fields say; what does not fit is one last piece. */
export function cutFrames(bytes: Uint8Array): Uint8Array[] {
  const pieces: Uint8Array[] = []
  let at = 0
  while (bytes.length - at >= HEADER) {
    const len = view(bytes).getUint32(at, true)
    if (len < LEAST_LEN || len > MOST_LEN || at + 4 + len > bytes.length) break
    pieces.push(bytes.subarray(at, at + 4 + len))
    at += 4 + len
  }
  if (at < bytes.length) pieces.push(bytes.subarray(at))
  return pieces
}

/** A frame of these members, unjudged. */
export function frame(
  flags: number,
  app: number,
  corr: number | bigint,
  payload: Uint8Array = new Uint8Array(0),
  code = 0,
  version = 1
): Uint8Array {
  const bytes = new Uint8Array(HEADER + payload.length)
  const v = view(bytes)
  v.setUint32(0, LEAST_LEN + payload.length, true)
  v.setUint8(4, version)
  v.setUint16(5, flags, true)
  v.setUint16(7, code, true)
  v.setUint16(9, app, true)
  v.setBigUint64(29, BigInt(corr), true)
  bytes.set(payload, HEADER)
  return bytes
}

/** A record with this text as its header. */
export const record = (header: string, body: Uint8Array = new Uint8Array(0)): Uint8Array => {
  const json = new TextEncoder().encode(header)
  return joined(Uint8Array.of(0, json.length, json.length >>> 8), json, body)
}

/** A mutation of one frame among those that the bytes hold. */
const ofOneFrame =
  (change: (piece: Uint8Array, around: Surroundings) => Uint8Array): Mutation =>
  (bytes, around) => {
    const pieces = cutFrames(bytes)
    const at = around.random.below(pieces.length)
    const piece = pieces[at]
    if (piece === undefined || piece.length < HEADER) return bytes
    pieces[at] = change(piece, around)
    return joined(...pieces)
  }

const withField = (write: (v: DataView, random: Random) => void): Mutation =>
  ofOneFrame((piece, { random }) => {
    const copy = piece.slice()
    write(view(copy), random)
    return copy
  })

/** The frame with another payload, its length field made right. */
function withPayload(piece: Uint8Array, payload: Uint8Array): Uint8Array {
  const bytes = joined(piece.subarray(0, HEADER), payload)
  view(bytes).setUint32(0, bytes.length - 4, true)
  return bytes
}

/** The record with another header, its header length made right. */
function withRecordHeader(payload: Uint8Array, change: (json: Uint8Array) => Uint8Array): Uint8Array {
  if (payload[0] !== 0 || payload.length < 3) return change(payload)
  const end = Math.min(payload.length, 3 + view(payload).getUint16(1, true))
  const json = change(payload.subarray(3, end)).subarray(0, 0xffff)
  return joined(Uint8Array.of(0, json.length, json.length >>> 8), json, payload.subarray(end))
}

/** A change at one place: a token, a byte, or a part that goes or doubles. */
function nudged(bytes: Uint8Array, { random, dictionary }: Surroundings): Uint8Array {
  const at = random.below(bytes.length + 1)
  const to = Math.min(bytes.length, at + random.below(6))
  const token = dictionary.length === 0 ? Uint8Array.of(random.below(256)) : random.pick(dictionary)
  const middles = [token, Uint8Array.of(random.below(256)), new Uint8Array(0), bytes.subarray(at, to), token]
  return spliced(bytes, at, random.once(2) ? at : to, random.pick(middles))
}

/** Puts `made` somewhere between two frames. */
const inserted =
  (make: (around: Surroundings) => Uint8Array): Mutation =>
  (bytes, around) => {
    const pieces = cutFrames(bytes)
    pieces.splice(around.random.below(pieces.length + 1), 0, make(around))
    return joined(...pieces)
  }

/** Requests that the sample services understand, and some that they do not. */
const REQUESTS: readonly Uint8Array[] = [
  record('{"op":"echo"}', Uint8Array.of(1, 2, 3)),
  record('{"op":"late"}'),
  record('{"op":"stream"}'),
  record('{"op":"sum"}'),
  record('{"op":"first"}', Uint8Array.of(9)),
  record('{"op":"soon"}', Uint8Array.of(7)),
  record('{"op":"count","to":5}'),
  record('{"op":"count","to":40,"credit":30}'),
  record('{"op":"late","deadline_ms":5}'),
  new TextEncoder().encode('{"op":"echo","deadline_ms":0}'),
  new Uint8Array(0),
  new Uint8Array(300).fill(0x61)
]

const control = (op: string, corr: number, rest = ''): Uint8Array =>
  new TextEncoder().encode(`{"op":"${op}","corr":"${corr.toString(16).padStart(16, '0')}"${rest}}`)

function controlPayload(random: Random): Uint8Array {
  const corr = random.below(8)
  const credit = `,"up_to":${random.below(6)},"credit":${random.pick([0, 1, 20, 65_536])}`
  return random.pick([
    control('cancel', corr),
    control('credit', corr, credit),
    new TextEncoder().encode('{"max_frame":4096,"max_inflight":2}'),
    new Uint8Array(0)
  ])
}

export const FRAME_MUTATIONS: Readonly<Record<string, Mutation>> = {
  version: withField((v, random) => v.setUint8(4, random.pick([0, 1, 2, STEP_VERSION]))),
  flags: withField((v, random) =>
    v.setUint16(5, random.once(3) ? random.below(0x200) : random.pick(EDGY_FLAGS), true)
  ),
  code: withField((v, random) => v.setUint16(7, random.pick(EDGY_CODES), true)),
  app: withField((v, random) => v.setUint16(9, random.pick(EDGY_APPS), true)),
  tenant: withField((v, random) => v.setUint8(11 + random.below(16), random.below(256))),
  capLength: withField((v, random) => v.setUint16(27, random.below(v.byteLength - HEADER + 3), true)),
  corr: withField((v, random) =>
    v.setBigUint64(29, random.once(8) ? random.pick(TOP_CORRS) : BigInt(random.below(8)), true)
  ),
  length: withField((v, random) => v.setUint32(0, v.getUint32(0, true) + random.below(9) - 4, true)),
  lengthAsItIs: ofOneFrame(piece => withPayload(piece, piece.subarray(HEADER))),
  payload: ofOneFrame((piece, around) => withPayload(piece, nudged(piece.subarray(HEADER), around))),
  recordHeader: ofOneFrame((piece, around) =>
    withPayload(
      piece,
      withRecordHeader(piece.subarray(HEADER), json => nudged(json, around))
    )
  ),
  body: ofOneFrame((piece, { random }) =>
    withPayload(
      piece,
      joined(piece.subarray(HEADER), new Uint8Array(random.below(600)).fill(random.below(256)))
    )
  ),
  otherPayload: ofOneFrame((piece, { random, other }) =>
    withPayload(piece, random.pick(cutFrames(other))?.subarray(HEADER) ?? new Uint8Array(0))
  ),
  oneMore: (bytes, { random }) => {
    const pieces = cutFrames(bytes)
    if (pieces.length === 0) return bytes
    pieces.splice(random.below(pieces.length + 1), 0, random.pick(pieces))
    return joined(...pieces)
  },
  manyMore: (bytes, { random }) => {
    const pieces = cutFrames(bytes)
    if (pieces.length === 0) return bytes
    const again = Array<Uint8Array>(random.below(80)).fill(random.pick(pieces))
    pieces.splice(random.below(pieces.length + 1), 0, ...again)
    return joined(...pieces)
  },
  oneLess: (bytes, { random }) => {
    const pieces = cutFrames(bytes)
    pieces.splice(random.below(pieces.length), 1)
    return joined(...pieces)
  },
  trade: (bytes, { random }) => {
    const pieces = cutFrames(bytes)
    const [moved] = pieces.splice(random.below(pieces.length), 1)
    if (moved !== undefined) pieces.splice(random.below(pieces.length + 1), 0, moved)
    return joined(...pieces)
  },
  renumber: (bytes, { random }) =>
    joined(
      ...cutFrames(bytes).map((piece, i) => {
        if (piece.length < HEADER || random.once(3)) return piece
        const copy = piece.slice()
        view(copy).setBigUint64(29, BigInt(i + 1), true)
        return copy
      })
    ),
  request: inserted(({ random }) =>
    frame(
      random.pick([REQ | START, REQ | START | END, REQ, REQ | END]),
      0x1001,
      random.below(8),
      random.pick(REQUESTS)
    )
  ),
  control: inserted(({ random }) =>
    frame(random.pick([0x19, 0x19, 0]), 0, random.below(8), controlPayload(random))
  ),
  step: inserted(({ random }) =>
    frame(random.below(256), 0, 0, new Uint8Array(0), random.below(1024), STEP_VERSION)
  ),
  fromOther: inserted(({ random, other }) => random.pick(cutFrames(other)) ?? new Uint8Array(0))
}
