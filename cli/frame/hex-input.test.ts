import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EXIT } from '../exit-codes.ts'
import { readHex, readInput } from './hex-input.ts'

test('reads hex of either case, with white space and 0x', () => {
  assert.deepEqual([...readHex(' 0x21 00\n aB\tfF ')], [0x21, 0, 0xab, 0xff])
})

for (const [text, message] of [
  ['', /no hex digits/],
  ['2', /one is missing/],
  ['21 g0', /"g" at digit 2/],
  ['\u0000', /"\\u0000" at digit 0/]
] as const) {
  test(`refuses ${JSON.stringify(text)} as hex`, () => {
    assert.throws(() => readHex(text), { exitCode: EXIT.badInput, message })
  })
}

test('stops reading an input that does not end', async () => {
  let pieces = 0
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (;;) {
      pieces++
      yield new Uint8Array(1024 * 1024)
    }
  }

  await assert.rejects(readInput(endless()), { exitCode: EXIT.badInput, message: /longer than 8 MiB/ })

  assert.equal(pieces, 9)
})
