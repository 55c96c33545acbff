import { decodeBatch } from './batch.ts'
import { OapError } from './errors.ts'
import { integer, readFields, writeFields } from './fields.ts'
import type { FieldValues, Fields } from './fields.ts'
import { LENGTH_BYTES } from './frame.ts'
import { decodeRecord, recordPrefix } from './record.ts'
import { checkMembers } from './service.ts'
import type { PayloadCodec, RequestCodec, WithBody } from './service.ts'

const EMPTY = new Uint8Array(0)

/** Members of the outer header, and the records behind it. */
export type WithItems<F extends Fields, I extends Fields> = FieldValues<F> & {
  readonly items: readonly WithBody<FieldValues<I>>[]
}

/** A request of header members and 1 to `most` records. @see specs/oap-1.md, section 8.4 */
export const headerAndBatch = <F extends Fields, I extends Fields>(
  fields: F,
  itemFields: I,
  most: number
): RequestCodec<WithItems<F, I>> => {
  checkMembers(fields)
  const count = { count: integer(1, most) }
  return {
    takesBody: true,
    encode: (op, value, extra) => ({
      head: recordPrefix({ op, ...writeFields(fields, value), count: value.items.length, ...extra }),
      body: encodeItems(itemFields, value.items)
    }),
    decode: (members, body) => ({
      ...readFields(fields, members),
      items: decodeItems(itemFields, body, readFields(count, members).count)
    })
  }
}

/** An answer that is one record: header members with `count`, and so many records as its body, none among them. */
export const recordBatch = <F extends Fields, I extends Fields>(
  fields: F,
  itemFields: I,
  most: number
): PayloadCodec<WithItems<F, I>> => {
  const count = { count: integer(0, most) }
  return {
    form: 'record',
    encode: value => ({
      head: recordPrefix({ ...writeFields(fields, value), count: value.items.length }),
      body: encodeItems(itemFields, value.items)
    }),
    decode: payload => {
      const { header, body } = decodeRecord(payload)
      return {
        ...readFields(fields, header),
        items: decodeItems(itemFields, body, readFields(count, header).count)
      }
    }
  }
}

function encodeItems<I extends Fields>(fields: I, items: readonly WithBody<FieldValues<I>>[]): Uint8Array {
  const prefixes = items.map(item => recordPrefix(writeFields(fields, item)))
  const sizes = items.map((item, n) => prefixes[n]!.length + (item.body?.length ?? 0))
  const bytes = new Uint8Array(sizes.reduce((sum, size) => sum + LENGTH_BYTES + size, 0))
  const view = new DataView(bytes.buffer)
  let at = 0
  for (const [n, item] of items.entries()) {
    const prefix = prefixes[n]!
    view.setUint32(at, sizes[n]!, true)
    bytes.set(prefix, at + LENGTH_BYTES)
    bytes.set(item.body ?? EMPTY, at + LENGTH_BYTES + prefix.length)
    at += LENGTH_BYTES + sizes[n]!
  }
  return bytes
}

function decodeItems<I extends Fields>(
  fields: I,
  body: Uint8Array,
  count: number
): WithBody<FieldValues<I>>[] {
  return decodeBatch(body, count).map((record, n) => {
    const { header, body: content } = decodeRecord(record)
    try {
      return { ...readFields(fields, header), body: content }
    } catch (error) {
      throw error instanceof OapError ? inItem(error, n) : error
    }
  })
}

/** The same refusal, saying of which record. */
const inItem = (error: OapError, n: number): OapError =>
  new OapError(error.counted, `record ${n}: ${error.message}`, { code: error.code })
