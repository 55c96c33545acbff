import assert from 'node:assert/strict'
import test from 'node:test'
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { textCrc } from './text-crc.ts'

test('is the check value of CRC-32', () => {
  assert.equal(textCrc('123456789'), 0xcbf43926)
  assert.equal(textCrc(''), 0)
})

test('is what zlib sums up, for ASCII and for all else', () => {
  for (const unit of ['grapheme-ascii', 'binary'] as const)
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 300 }), text => {
        assert.equal(textCrc(text), crc32(text))
      }),
      { numRuns: 1000 }
    )
})
