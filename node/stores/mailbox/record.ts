import { SEAL_BYTES, asBuffer, seal, unseal } from './seal.ts'
import type { DeadLetter, NewMessage, Place, StoredMessage } from './types.ts'

// After the seal: u48 batch, u8 flags, u8 priority, u16 attempts, u16 meta bytes, u16 history bytes, then what the flags
// announce (u48 not before, u48 expires, u48 died and u8 reason bytes and reason), meta, history, body.
const HEAD_BYTES = SEAL_BYTES + 14
const TIME_BYTES = 6
const FLAG = { notBefore: 1, expires: 2, dead: 4 } as const
const MAX_U16 = 0xffff
const MAX_REASON_BYTES = 255
const MAX_KEY_BYTES = 255
const NOTHING = Buffer.alloc(0)

export const MAX_BODY_BYTES = 983_040

/** What a row holds of a message beside what its key tells. */
export interface Record extends Pick<
  StoredMessage,
  'priority' | 'meta' | 'body' | 'attempts' | 'history' | 'notBeforeMs' | 'expiresAtMs'
> {
  /** Running number of the batch that first wrote it. */
  readonly batch: number
  readonly death?: { readonly atMs: number; readonly reason: string } | undefined
}

/** @throws RangeError for what a record cannot hold. */
export function encodeRecord(key: string, record: Record): Buffer {
  const { notBeforeMs, expiresAtMs, death, meta, history, body } = record
  const reason = death === undefined ? NOTHING : Buffer.from(death.reason).subarray(0, MAX_REASON_BYTES)
  const size =
    HEAD_BYTES +
    (notBeforeMs === undefined ? 0 : TIME_BYTES) +
    (expiresAtMs === undefined ? 0 : TIME_BYTES) +
    (death === undefined ? 0 : TIME_BYTES + 1 + reason.length) +
    meta.length +
    history.length +
    body.length
  const value = Buffer.allocUnsafe(size)
  const flags =
    (notBeforeMs === undefined ? 0 : FLAG.notBefore) |
    (expiresAtMs === undefined ? 0 : FLAG.expires) |
    (death === undefined ? 0 : FLAG.dead)
  let at = value.writeUIntBE(record.batch, SEAL_BYTES, 6)
  at = value.writeUInt8(flags, at)
  at = value.writeUInt8(record.priority, at)
  at = value.writeUInt16BE(Math.min(record.attempts, MAX_U16), at)
  at = value.writeUInt16BE(meta.length, at)
  at = value.writeUInt16BE(history.length, at)
  if (notBeforeMs !== undefined) at = value.writeUIntBE(notBeforeMs, at, TIME_BYTES)
  if (expiresAtMs !== undefined) at = value.writeUIntBE(expiresAtMs, at, TIME_BYTES)
  if (death !== undefined) {
    at = value.writeUIntBE(death.atMs, at, TIME_BYTES)
    at = value.writeUInt8(reason.length, at)
    value.set(reason, at)
    at += reason.length
  }
  value.set(meta, at)
  value.set(history, at + meta.length)
  value.set(body, at + meta.length + history.length)
  return seal(key, value)
}

/** The record of a row, or what is wrong with it. Its bytes are views into the row's. */
export function decodeRecord(key: string, bytes: Uint8Array): Record | string {
  const payload = unseal(key, bytes)
  if (typeof payload === 'string') return payload
  const value = asBuffer(bytes)
  // The checksum was right, so a length that is wrong was written wrong.
  try {
    return decode(value)
  } catch {
    return 'its lengths contradict each other'
  }
}

function decode(value: Buffer): Record {
  const flags = value.readUInt8(SEAL_BYTES + 6)
  const metaBytes = value.readUInt16BE(SEAL_BYTES + 10)
  const historyBytes = value.readUInt16BE(SEAL_BYTES + 12)
  let at = HEAD_BYTES
  const time = (): number => value.readUIntBE((at += TIME_BYTES) - TIME_BYTES, TIME_BYTES)
  const notBeforeMs = flags & FLAG.notBefore ? time() : undefined
  const expiresAtMs = flags & FLAG.expires ? time() : undefined
  let death: Record['death']
  if (flags & FLAG.dead) {
    const atMs = time()
    const reasonBytes = value.readUInt8(at)
    death = { atMs, reason: value.toString('utf8', at + 1, at + 1 + reasonBytes) }
    at += 1 + reasonBytes
  }
  const history = at + metaBytes
  const body = history + historyBytes
  if (body > value.length) throw new RangeError('cut short')
  return {
    batch: value.readUIntBE(SEAL_BYTES, 6),
    priority: value.readUInt8(SEAL_BYTES + 7),
    attempts: value.readUInt16BE(SEAL_BYTES + 8),
    notBeforeMs,
    expiresAtMs,
    death,
    meta: value.subarray(at, history),
    history: value.subarray(history, body),
    body: value.subarray(body)
  }
}

/** @throws RangeError naming the member that the store cannot keep. */
export function checkMessage({ priority, meta, body, notBeforeMs, expiresAtMs, idem }: NewMessage): void {
  if (!(Number.isInteger(priority) && priority >= 0 && priority <= 9))
    throw new RangeError('priority: 0 to 9')
  if (meta.length > MAX_U16) throw new RangeError(`meta: at most ${MAX_U16} bytes`)
  if (body.length > MAX_BODY_BYTES) throw new RangeError(`body: at most ${MAX_BODY_BYTES} bytes`)
  checkTime('notBeforeMs', notBeforeMs)
  checkTime('expiresAtMs', expiresAtMs)
  if (idem === undefined) return
  const { length } = idem.key
  // A character is three bytes at the most.
  const fits = length > 0 && (length * 3 <= MAX_KEY_BYTES || Buffer.byteLength(idem.key) <= MAX_KEY_BYTES)
  if (!fits || !idem.key.isWellFormed()) throw new RangeError(`idem.key: 1 to ${MAX_KEY_BYTES} bytes of text`)
  if (idem.hash.length !== 32) throw new RangeError('idem.hash: 32 bytes')
}

export function checkTime(name: string, atMs: number | undefined): void {
  if (atMs === undefined || (Number.isInteger(atMs) && atMs >= 0 && atMs < 2 ** 48)) return
  throw new RangeError(`${name}: unix milliseconds below 2^48`)
}

export function checkHistory(history: Uint8Array, attempts: number): void {
  if (history.length > MAX_U16) throw new RangeError(`history: at most ${MAX_U16} bytes`)
  if (!(Number.isInteger(attempts) && attempts >= 0)) throw new RangeError('attempts: a whole number')
}

export function storedMessage(place: Place, record: Record, bytes: number): StoredMessage {
  const { meta, body, attempts, history, notBeforeMs, expiresAtMs } = record
  const { tenant, topic, id } = place
  return {
    tenant,
    topic,
    id,
    priority: record.priority,
    meta,
    body,
    attempts,
    history,
    notBeforeMs,
    expiresAtMs,
    bytes
  }
}

export function deadLetter(place: Place, record: Record, bytes: number): DeadLetter {
  return {
    ...storedMessage(place, record, bytes),
    diedAtMs: record.death?.atMs ?? 0,
    reason: record.death?.reason ?? ''
  }
}
