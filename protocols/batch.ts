import { OapError } from './errors.ts'
import { LENGTH_BYTES, readU32 } from './frame.ts'

/** A batch body: `u32 LE length | record`, one after the other. */
export function encodeBatch(records: readonly Uint8Array[]): Uint8Array {
  const size = records.reduce((sum, record) => sum + LENGTH_BYTES + record.length, 0)
  const bytes = new Uint8Array(size)
  const view = new DataView(bytes.buffer)
  let at = 0
  for (const record of records) {
    view.setUint32(at, record.length, true)
    bytes.set(record, at + LENGTH_BYTES)
    at += LENGTH_BYTES + record.length
  }
  return bytes
}

/** The records of a batch body, as views. Throws `bad_payload` unless there are exactly `count` that fill it. */
export function decodeBatch(body: Uint8Array, count: number): Uint8Array[] {
  const records: Uint8Array[] = []
  let at = 0
  while (records.length < count) {
    if (body.length - at < LENGTH_BYTES)
      throw new OapError('bad_payload', `the batch ends after ${records.length} of ${count} records`)
    const end = at + LENGTH_BYTES + readU32(body, at)
    if (end > body.length)
      throw new OapError('bad_payload', `record ${records.length} of the batch is cut off`)
    records.push(body.subarray(at + LENGTH_BYTES, end))
    at = end
  }
  if (at < body.length)
    throw new OapError('bad_payload', `${body.length - at} bytes follow the last record of the batch`)
  return records
}
