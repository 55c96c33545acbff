import { OapError } from './errors.ts'

export const OAP_PROTOCOL = '/oap/1.0.0'
export const OAP_VERSION = 1
export const LENGTH_BYTES = 4
export const HEADER_BYTES = 37
/** The smallest `len`: the header without its own four bytes. */
export const MIN_LEN = HEADER_BYTES - LENGTH_BYTES
/** The largest `len`: 1 MiB, counted after the length field. */
export const MAX_FRAME_BYTES = 1_048_576
/** The largest payload of one RESP frame of a longer answer. */
export const MAX_CHUNK_BYTES = 65_536
/** The largest payload of a frame without a capability. */
export const MAX_PAYLOAD_BYTES = MAX_FRAME_BYTES - MIN_LEN

export const FLAG = {
  REQ: 0x01,
  RESP: 0x02,
  EVENT: 0x04,
  START: 0x08,
  END: 0x10,
  ACK_REQ: 0x20,
  COMP: 0x40,
  APP_E2E: 0x80
} as const

export const KIND_MASK = FLAG.REQ | FLAG.RESP | FLAG.EVENT
export const DEFINED_FLAGS = 0xff

/** A correlation id: a number up to 2^53 - 1, a bigint above, so that one id has one form. */
export type CorrId = number | bigint

const EMPTY = new Uint8Array(0)
const TWO_32 = 0x1_0000_0000
const HI_SAFE = 0x20_0000
const NO_TENANT = '00000000-0000-0000-0000-000000000000'

/** A decoded frame: a view over the bytes it came in. Copy what must outlive the call that handed it over. */
export class Frame {
  readonly bytes: Uint8Array
  readonly start: number
  readonly end: number
  readonly flags: number
  readonly code: number
  readonly app: number
  readonly corr: CorrId
  readonly capLength: number

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.bytes = bytes
    this.start = start
    this.end = end
    this.flags = readU16(bytes, start + 5) & DEFINED_FLAGS
    this.code = readU16(bytes, start + 7)
    this.app = readU16(bytes, start + 9)
    this.corr = readCorr(bytes, start + 29)
    this.capLength = readU16(bytes, start + 27)
  }

  get corrId(): bigint {
    return BigInt(this.corr)
  }

  get cap(): Uint8Array {
    const from = this.start + HEADER_BYTES
    return this.capLength === 0 ? EMPTY : this.bytes.subarray(from, from + this.capLength)
  }

  get payloadBytes(): number {
    return this.end - this.start - HEADER_BYTES - this.capLength
  }

  /** Where the payload begins in `bytes`; it ends at `end`. */
  get payloadStart(): number {
    return this.start + HEADER_BYTES + this.capLength
  }

  get payload(): Uint8Array {
    return this.bytes.subarray(this.payloadStart, this.end)
  }

  /** The 16 bytes of `tenant_id` as they stand on the wire, or undefined for 0. */
  get tenant(): Uint8Array | undefined {
    const at = this.start + 11
    const b = this.bytes
    const isNone = (readU32(b, at) | readU32(b, at + 4) | readU32(b, at + 8) | readU32(b, at + 12)) === 0
    return isNone ? undefined : b.subarray(at, at + 16)
  }
}

export interface FrameInit {
  readonly flags: number
  readonly code?: number
  readonly app?: number
  readonly tenant?: Uint8Array | undefined
  readonly corr?: CorrId
  readonly cap?: Uint8Array | undefined
  readonly payload?: Uint8Array
}

/** One frame as bytes. Throws `bad_frame` or `frame_oversize` for whatever a decoder would refuse. */
export function encodeFrame(init: FrameInit, maxFrameBytes: number = MAX_FRAME_BYTES): Uint8Array {
  const { cap = EMPTY, payload = EMPTY } = init
  checkFrame(init, maxFrameBytes)
  const bytes = new Uint8Array(HEADER_BYTES + cap.length + payload.length)
  const { flags, code = 0, app = 0, tenant, corr = 0 } = init
  writeHeader(bytes, 0, flags, code, app, tenant, corr, cap.length, payload.length)
  bytes.set(cap, HEADER_BYTES)
  bytes.set(payload, HEADER_BYTES + cap.length)
  return bytes
}

function checkFrame(
  { flags, code, app, tenant, corr, cap, payload }: FrameInit,
  maxFrameBytes: number
): void {
  const capBytes = cap?.length ?? 0
  const len = MIN_LEN + capBytes + (payload?.length ?? 0)
  if (len > maxFrameBytes)
    throw new OapError('frame_oversize', `a frame of ${len} bytes, at most ${maxFrameBytes}`)
  if (capBytes > 0xffff) throw new OapError('bad_frame', `a capability of ${capBytes} bytes, at most 65535`)
  if (capBytes > 0 && (flags & FLAG.START) === 0)
    throw new OapError('bad_sequence', 'a capability without START')
  checkRange('flags', flags, 0xff)
  checkRange('code', code ?? 0, 0xffff)
  checkRange('app', app ?? 0, 0xffff)
  if (tenant !== undefined && tenant.length !== 16) throw new OapError('bad_frame', 'tenant: 16 bytes')
  if (!isCorrId(corr ?? 0))
    throw new OapError('bad_frame', `corr ${String(corr)}: not an unsigned 64-bit integer`)
}

function checkRange(name: string, value: number, max: number): void {
  if (!Number.isInteger(value) || value < 0 || value > max) {
    throw new OapError('bad_frame', `${name} ${value}: an integer from 0 to ${max}`)
  }
}

const isCorrId = (corr: CorrId): boolean =>
  typeof corr === 'bigint' ? corr >= 0n && corr < 1n << 64n : Number.isSafeInteger(corr) && corr >= 0

/** Writes the 37 header bytes at `at`. The caller has checked ranges and sizes. */
export function writeHeader(
  b: Uint8Array,
  at: number,
  flags: number,
  code: number,
  app: number,
  tenant: Uint8Array | undefined,
  corr: CorrId,
  capBytes: number,
  payloadBytes: number
): void {
  const len = MIN_LEN + capBytes + payloadBytes
  b[at] = len
  b[at + 1] = len >>> 8
  b[at + 2] = len >>> 16
  b[at + 3] = len >>> 24
  b[at + 4] = OAP_VERSION
  b[at + 5] = flags
  b[at + 6] = flags >>> 8
  b[at + 7] = code
  b[at + 8] = code >>> 8
  b[at + 9] = app
  b[at + 10] = app >>> 8
  if (tenant === undefined) b.fill(0, at + 11, at + 27)
  else b.set(tenant, at + 11)
  b[at + 27] = capBytes
  b[at + 28] = capBytes >>> 8
  writeCorr(b, at + 29, corr)
}

function writeCorr(b: Uint8Array, at: number, corr: CorrId): void {
  const low = typeof corr === 'bigint' ? Number(corr & 0xffff_ffffn) : corr % TWO_32
  const high = typeof corr === 'bigint' ? Number(corr >> 32n) : Math.floor(corr / TWO_32)
  writeU32(b, at, low)
  writeU32(b, at + 4, high)
}

function writeU32(b: Uint8Array, at: number, value: number): void {
  b[at] = value
  b[at + 1] = value >>> 8
  b[at + 2] = value >>> 16
  b[at + 3] = value >>> 24
}

export const readU16 = (b: Uint8Array, at: number): number => b[at]! | (b[at + 1]! << 8)

export const readU32 = (b: Uint8Array, at: number): number =>
  (b[at]! | (b[at + 1]! << 8) | (b[at + 2]! << 16) | (b[at + 3]! << 24)) >>> 0

export function readCorr(b: Uint8Array, at: number): CorrId {
  const low = readU32(b, at)
  const high = readU32(b, at + 4)
  return high < HI_SAFE ? high * TWO_32 + low : (BigInt(high) << 32n) | BigInt(low)
}

/** 16 hex digits, the form of a correlation id wherever it stands in JSON. */
export const corrHex = (corr: CorrId): string => corr.toString(16).padStart(16, '0')

/** The correlation id of 16 hex digits, or undefined for any other text. */
export function parseCorrHex(text: unknown): CorrId | undefined {
  if (typeof text !== 'string' || !/^[0-9a-f]{16}$/.test(text)) return undefined
  const wide = BigInt('0x' + text)
  return wide <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(wide) : wide
}

/** The wire form of a printed UUID: its 16 bytes reversed. Undefined for the nil UUID; throws `bad_request`. */
export function tenantBytes(uuid: string): Uint8Array | undefined {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(uuid)) {
    throw new OapError('bad_request', `tenant ${uuid}: not a lower-case UUID`)
  }
  if (uuid === NO_TENANT) return undefined
  return Uint8Array.from(uuid.replaceAll('-', '').match(/../g) ?? [], h => parseInt(h, 16)).reverse()
}

/** The printed UUID of a `tenant_id`. */
export function tenantUuid(wire: Uint8Array | undefined): string {
  if (wire === undefined) return NO_TENANT
  const hex = Array.from(wire, b => b.toString(16).padStart(2, '0'))
    .reverse()
    .join('')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
