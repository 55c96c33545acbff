import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { bytesWithin, parseEntityBytes } from './entity-bytes.ts'
import { etagOf, isNamed } from './etag.ts'
import { Refusal } from './refusal.ts'
import { mediaTypeOf, queryOf, wantedOf } from './wanted.ts'
import type { Query, Wanted } from './wanted.ts'

const RAW: Wanted = { form: 'raw' }
const CAR: Wanted = { form: 'car', scope: 'all', bytes: undefined }
const CAR_TYPE = 'application/vnd.ipld.car'
const RAW_TYPE = 'application/vnd.ipld.raw'

describe('what is asked for', () => {
  const asked: readonly (readonly [query: Query, accept: string | undefined, wanted: Wanted])[] = [
    [{ format: 'raw' }, undefined, RAW],
    [{ format: 'car' }, undefined, CAR],
    [{ format: 'raw' }, CAR_TYPE, RAW],
    [{}, RAW_TYPE, RAW],
    [{}, `text/html, ${CAR_TYPE}`, CAR],
    [{}, `${RAW_TYPE};q=0.4, ${CAR_TYPE}; q=0.5`, CAR],
    [{}, `${CAR_TYPE}; version=1; order=dfs; dups=y`, CAR],
    [{}, `${CAR_TYPE}; order="unk"`, CAR],
    [{}, `${CAR_TYPE};dups=n, ${RAW_TYPE};q=0.1`, RAW],
    [{}, 'APPLICATION/VND.IPLD.RAW', RAW],
    [{ format: 'car', 'dag-scope': 'block' }, undefined, { form: 'car', scope: 'block', bytes: undefined }],
    [
      { format: 'car', 'entity-bytes': '0:9' },
      undefined,
      { form: 'car', scope: 'entity', bytes: { from: 0, to: 9 } }
    ],
    [
      { format: 'car', 'entity-bytes': '-5:*', 'dag-scope': 'all', 'car-order': 'dfs', 'car-version': '1' },
      undefined,
      { form: 'car', scope: 'entity', bytes: { from: -5, to: undefined } }
    ],
    [{ format: 'raw', 'entity-bytes': 'nonsense', filename: 'a' }, undefined, RAW]
  ]
  for (const [query, accept, wanted] of asked)
    test(`${JSON.stringify(query)} with Accept ${accept}`, () => {
      assert.deepEqual(wantedOf(query, accept), wanted)
      const again = Object.fromEntries(new URLSearchParams(queryOf(wanted)))
      assert.deepEqual(wantedOf(again, undefined), wanted)
    })

  const refused: readonly (readonly [query: Query, accept: string | undefined, status: number])[] = [
    [{}, undefined, 400],
    [{}, ' ', 400],
    [{}, '*/*', 406],
    [{}, 'text/html', 406],
    [{}, `${RAW_TYPE};q=0`, 406],
    [{}, `${RAW_TYPE};q=2`, 406],
    [{}, `${CAR_TYPE};version=2`, 406],
    [{}, `${CAR_TYPE};dups=n`, 406],
    [{ format: 'tar' }, RAW_TYPE, 406],
    [{ format: '' }, RAW_TYPE, 406],
    [{ format: ['raw', 'car'] }, undefined, 400],
    [{ format: 'car', 'dag-scope': 'half' }, undefined, 400],
    [{ format: 'car', 'car-dups': 'n' }, undefined, 406],
    [{ format: 'car', 'car-version': '2' }, undefined, 406],
    ...['', '0', '0:', ':9', '0-9', '1e3:*', '0:9:9', `0:${'9'.repeat(16)}`, '+1:2'].map(
      text => [{ format: 'car', 'entity-bytes': text }, undefined, 400] as const
    )
  ]
  for (const [query, accept, status] of refused)
    test(`${JSON.stringify(query)} with Accept ${accept} is ${status}`, () => {
      assert.throws(
        () => wantedOf(query, accept),
        (error: unknown) => error instanceof Refusal && error.status === status
      )
    })
})

describe('entity-bytes of a blob of 100 bytes', () => {
  const ranges: readonly (readonly [text: string, meant: unknown])[] = [
    ['0:*', { offset: 0, length: 100 }],
    ['0:0', { offset: 0, length: 1 }],
    ['10:19', { offset: 10, length: 10 }],
    ['90:500', { offset: 90, length: 10 }],
    ['-10:*', { offset: 90, length: 10 }],
    ['-500:*', { offset: 0, length: 100 }],
    ['49:-11', { offset: 49, length: 41 }],
    ['-20:-11', { offset: 80, length: 10 }],
    ['20:10', 'none'],
    ['0:-500', 'none'],
    ['100:*', 'outside'],
    ['999999999999999:*', 'outside']
  ]
  for (const [text, meant] of ranges)
    test(text, () => assert.deepEqual(bytesWithin(parseEntityBytes(text)!, 100), meant))

  test('of the empty blob are none', () => {
    for (const text of ['0:*', '5:*', '-5:*']) assert.equal(bytesWithin(parseEntityBytes(text)!, 0), 'none')
  })
})

test('answers that differ have different tags', () => {
  const some = [
    RAW,
    CAR,
    { ...CAR, scope: 'block' as const },
    { ...CAR, scope: 'entity' as const },
    { ...CAR, scope: 'entity' as const, bytes: { from: 0, to: 9 } },
    { ...CAR, scope: 'entity' as const, bytes: { from: 0, to: undefined } }
  ]

  assert.equal(new Set(some.map(wanted => etagOf('bafy', wanted))).size, some.length)
})

test('If-None-Match names a tag alone, in a list, as weak, or all of them', () => {
  const etag = etagOf('bafy', RAW)

  for (const header of [etag, `"x", ${etag}`, `W/${etag}`, '*'])
    assert.equal(isNamed(header, etag), true, header)
  for (const header of [undefined, '', '"x"', 'bafy.raw', etag.slice(1)])
    assert.equal(isNamed(header, etag), false)
})

test('the type of a CAR says its version, order and that blocks are repeated', () => {
  assert.equal(mediaTypeOf(CAR), 'application/vnd.ipld.car; version=1; order=dfs; dups=y')
})
