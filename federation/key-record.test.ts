import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { delegate } from './delegation.ts'
import { keyDigest, keyPage, keyPageLines, keyRecordLine, parseKeyRecord } from './key-record.ts'
import type { KeyRecord } from './key-record.ts'
import { revokeKey } from './key-revocation.ts'
import { HUB, OTHER_HUB, keyOf } from './keys.fixture.ts'
import { succeed } from './succession.ts'

const RECORDS: readonly KeyRecord[] = [
  {
    kind: 'delegation',
    record: delegate(HUB.key, {
      hub: HUB.hub,
      node: 'node1',
      role: 'message',
      key: keyOf(9).hex,
      not_before: 1,
      not_after: 2,
      epoch: 1
    })
  },
  {
    kind: 'key_revocation',
    record: revokeKey(HUB.key, { at: 1, hub: HUB.hub, key: keyOf(9).hex, reason: 'stolen' })
  },
  {
    kind: 'succession',
    record: succeed(
      { hub: HUB.key, successor: OTHER_HUB.key },
      { at: 1, hub: HUB.hub, reason: '', successor: OTHER_HUB.hub }
    )
  }
]

test('a line says of which kind its statement is', () => {
  for (const one of RECORDS) {
    const read = parseKeyRecord(keyRecordLine(one))

    assert.equal(read.kind, one.kind)
    assert.equal(keyRecordLine(read), keyRecordLine(one))
  }
})

test('hostile lines are a SyntaxError and nothing else', () => {
  const line = keyRecordLine(RECORDS[0]!)
  for (const text of ['', 'null', '7', '[]', '{}', '{"statement":null}', `${line} `, 'x'.repeat(5000)])
    assert.throws(() => parseKeyRecord(text), SyntaxError)
  fc.assert(
    fc.property(fc.jsonValue(), value => {
      assert.throws(() => parseKeyRecord(JSON.stringify(value)), SyntaxError)
    })
  )
})

test('pages together hold all lines, in their order, each page within its bound', () => {
  const lines = Array.from({ length: 300 }, (_, n) => `${n}:${'x'.repeat(n * 7)}`)

  const seen: string[] = []
  let pages = 0
  while (seen.length < lines.length) {
    const { total, digest, body } = keyPage(lines, seen.length)
    assert.deepEqual([total, digest], [300, keyDigest(lines)])
    seen.push(...keyPageLines(body))
    pages++
  }

  assert.deepEqual(seen, lines)
  assert.ok(pages > 5)
  assert.deepEqual(keyPageLines(keyPage(lines, 300).body), [])
})

test('a page that is too long, or ends in the middle of a line, is none', () => {
  assert.throws(() => keyPageLines(Buffer.from('a\nb')), /line feed/)
  assert.throws(() => keyPageLines(Buffer.alloc(32_769, '\n')), /longer than 32768 bytes/)
})

test('a page of more lines than there are records, or with an empty one, is none', () => {
  assert.equal(keyPageLines(Buffer.from('x\n'.repeat(576))).length, 576)
  assert.throws(() => keyPageLines(Buffer.from('x\n'.repeat(577))), /more than 576 lines/)
  for (const text of ['\n', '\n'.repeat(32_768), 'x\n\n', '\nx\n'])
    assert.throws(() => keyPageLines(Buffer.from(text)), /an empty line/)
})
