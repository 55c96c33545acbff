import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { Uint8ArrayList } from 'uint8arraylist'
import { RecordReader, sealRecords } from './noise-records.ts'

const TAG = Buffer.alloc(16, 0xee)

void describe('noise records', () => {
  void test('leave as one buffer when small', () => {
    const record = sealRecords(new Uint8ArrayList(Buffer.from('ab'), Buffer.from('c')), withTag)

    assert.ok(record instanceof Uint8Array)
    assert.deepEqual(Buffer.from(record), Buffer.concat([Buffer.from([0, 19]), Buffer.from('abc'), TAG]))
  })

  void test('are cut at 65,519 bytes of plaintext', () => {
    const lengths = [65_519, 65_520, 200_000].map(size => {
      const records = new RecordReader().decode(sealRecords(Buffer.alloc(size), withTag))
      return records.map(({ byteLength }) => byteLength - TAG.byteLength)
    })

    assert.deepEqual(lengths, [[65_519], [65_519, 1], [65_519, 65_519, 65_519, 3443]])
  })

  void test('come back whole however the bytes are cut', () => {
    const bodies = fc.array(fc.uint8Array({ maxLength: 400 }), { minLength: 1, maxLength: 8 })
    fc.assert(
      fc.property(bodies, fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1 }), (plaintexts, cuts) => {
        const wire = Buffer.concat(plaintexts.map(text => sealRecords(text, withTag).subarray()))
        const reader = new RecordReader()
        const records = []
        for (let at = 0, i = 0; at < wire.byteLength; i++) {
          const end = at + cuts[i % cuts.length]!
          records.push(...reader.decode(wire.subarray(at, end)))
          at = end
        }
        assert.deepEqual(
          records.map(record => Buffer.from(record.subarray(0, -16))),
          plaintexts.map(text => Buffer.from(text))
        )
      })
    )
  })

  void test('too short for a tag are refused', () => {
    assert.throws(() => new RecordReader().decode(Buffer.from([0, 15, 1])), RangeError)
    const reader = new RecordReader()
    reader.decode(Buffer.from([0]))
    assert.throws(() => reader.decode(Buffer.from([0])), RangeError)
  })
})

function withTag(plaintext: Uint8Array | Uint8ArrayList): Uint8Array {
  return Buffer.concat([plaintext.subarray(), TAG])
}
