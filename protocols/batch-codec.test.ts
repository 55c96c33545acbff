import assert from 'node:assert/strict'
import { test } from 'node:test'
import { headerAndBatch, recordBatch } from './batch-codec.ts'
import { integer, optional, text } from './fields.ts'
import { decodeRecord, encodeRecord } from './record.ts'
import { NO_MEMBERS } from './service.ts'

const request = headerAndBatch({ topic: optional(text(9)) }, { n: integer(0, 9) }, 3)
const answer = recordBatch({ next: optional(text(9)) }, { n: integer(0, 9) }, 3)
const items = [
  { n: 1, body: Uint8Array.of(1, 2) },
  { n: 2, body: new Uint8Array(0) }
]

test('the records of a request come out as they went in', () => {
  const { head, body } = request.encode('many', { topic: 'a', items }, NO_MEMBERS)

  const { header } = decodeRecord(head)
  assert.deepEqual(header, { op: 'many', topic: 'a', count: 2 })
  assert.deepEqual(request.decode(header, body), { topic: 'a', items })
})

test('the records of an answer come out as they went in, none included', () => {
  for (const value of [{ next: 'x', items }, { items: [] }]) {
    const { head, body } = answer.encode(value)

    assert.deepEqual(answer.decode(new Uint8Array([...head, ...body])), value)
  }
})

const RECORD = Buffer.from(encodeRecord({ n: 1 }))
const LENGTH = Buffer.of(RECORD.length, 0, 0, 0)
const refusals: readonly (readonly [string, number, Buffer, string, RegExp])[] = [
  ['no records', 0, Buffer.alloc(0), 'bad_request', /count/],
  ['more than there may be', 4, Buffer.alloc(0), 'bad_request', /count/],
  ['fewer than count says', 2, Buffer.concat([LENGTH, RECORD]), 'bad_payload', /1 of 2/],
  ['bytes behind the last', 1, Buffer.concat([LENGTH, RECORD, LENGTH]), 'bad_payload', /4 bytes follow/],
  ['a record that is none', 1, Buffer.of(1, 0, 0, 0, 7), 'bad_payload', /0x00/]
]
for (const [what, count, body, code, message] of refusals) {
  test(`a request with ${what} is ${code}`, () => {
    assert.throws(() => request.decode({ count }, body), { code, message })
  })
}

test('a refusal names the record and the member that is wrong', () => {
  const wrong = Buffer.from(encodeRecord({ n: 10 }))
  const body = Buffer.concat([LENGTH, RECORD, Buffer.of(wrong.length, 0, 0, 0), wrong])

  assert.throws(() => request.decode({ count: 2 }, body), { code: 'bad_request', message: /record 1: n: / })
})
