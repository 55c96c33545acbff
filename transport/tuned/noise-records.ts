import { Uint8ArrayList } from 'uint8arraylist'

const PREFIX_BYTES = 2
const TAG_BYTES = 16
const MAX_RECORD_BYTES = 65_535
const MAX_PLAINTEXT_BYTES = MAX_RECORD_BYTES - TAG_BYTES

/** Up to here copying a record into one buffer is cheaper than handing its pieces to the socket. */
const COPY_UP_TO_BYTES = 8192

/** So many pieces of one record are kept apart; a peer that drips bytes makes us join them. */
const MAX_PIECES = 32

type Bytes = Uint8Array | Uint8ArrayList

/** Seals `plaintext` as noise records, each behind its length; what fits one small record comes back as one buffer. */
export function sealRecords(plaintext: Bytes, encrypt: (plaintext: Bytes) => Bytes): Bytes {
  const { byteLength } = plaintext
  if (byteLength <= COPY_UP_TO_BYTES) return oneBuffer(encrypt(contiguous(plaintext)))
  const records = new Uint8ArrayList()
  for (let at = 0; at < byteLength; at += MAX_PLAINTEXT_BYTES) {
    const end = Math.min(at + MAX_PLAINTEXT_BYTES, byteLength)
    const part = plaintext instanceof Uint8Array ? plaintext.subarray(at, end) : plaintext.sublist(at, end)
    const sealed = encrypt(part)
    records.append(lengthPrefix(sealed.byteLength), sealed)
  }
  return records
}

/** Cuts a byte stream into noise records. What is not whole yet stays inside: at most one record. */
export class RecordReader {
  #pieces: Uint8Array[] = []
  #bytes = 0

  /** The records that `data` completes, without their lengths. Throws on one too short to hold a tag. */
  decode(data: Bytes): Bytes[] {
    const records: Bytes[] = []
    if (data instanceof Uint8Array) this.#take(data, records)
    else for (const piece of data) this.#take(piece, records)
    return records
  }

  #take(chunk: Uint8Array, records: Bytes[]): void {
    let at = 0
    if (this.#bytes > 0) {
      at = this.#finishPending(chunk, records)
      if (this.#bytes > 0) return
    }
    while (chunk.byteLength - at >= PREFIX_BYTES) {
      const end = at + PREFIX_BYTES + recordLength(chunk[at]!, chunk[at + 1]!)
      if (end > chunk.byteLength) break
      records.push(chunk.subarray(at + PREFIX_BYTES, end))
      at = end
    }
    if (at < chunk.byteLength) this.#keep(chunk.subarray(at))
  }

  #finishPending(chunk: Uint8Array, records: Bytes[]): number {
    if (this.#bytes === 1) {
      const length = recordLength(this.#pieces[0]![0]!, chunk[0]!)
      if (chunk.byteLength < 1 + length) return this.#keep(chunk)
      this.#drop()
      records.push(chunk.subarray(1, 1 + length))
      return 1 + length
    }
    const length = this.#pendingLength()
    const missing = PREFIX_BYTES + length - this.#bytes
    if (chunk.byteLength < missing) return this.#keep(chunk)
    const record = new Uint8ArrayList(...this.#pieces, chunk.subarray(0, missing)).sublist(PREFIX_BYTES)
    this.#drop()
    records.push(record)
    return missing
  }

  #pendingLength(): number {
    const first = this.#pieces[0]!
    return recordLength(first[0]!, first.byteLength > 1 ? first[1]! : this.#pieces[1]![0]!)
  }

  #keep(piece: Uint8Array): number {
    this.#pieces.push(piece)
    this.#bytes += piece.byteLength
    if (this.#pieces.length > MAX_PIECES) this.#pieces = [Buffer.concat(this.#pieces)]
    return piece.byteLength
  }

  #drop(): void {
    this.#pieces = []
    this.#bytes = 0
  }
}

function recordLength(high: number, low: number): number {
  const length = (high << 8) | low
  if (length < TAG_BYTES) throw new RangeError(`noise record of ${length} bytes cannot hold a tag`)
  return length
}

function oneBuffer(sealed: Bytes): Uint8Array {
  const record = Buffer.allocUnsafe(PREFIX_BYTES + sealed.byteLength)
  record.writeUInt16BE(sealed.byteLength)
  let at = PREFIX_BYTES
  for (const piece of sealed instanceof Uint8Array ? [sealed] : sealed) {
    record.set(piece, at)
    at += piece.byteLength
  }
  return record
}

function lengthPrefix(length: number): Uint8Array {
  return Uint8Array.of(length >>> 8, length & 0xff)
}

function contiguous(bytes: Bytes): Uint8Array {
  return bytes instanceof Uint8Array ? bytes : bytes.subarray()
}
