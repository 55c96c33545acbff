import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { canonicalJson, signedBytes } from './canonical.ts'

interface Vector {
  readonly about: string
  readonly json: string
  readonly sha256: string
}

const vectors: { readonly ams_envelope_canonical: readonly Vector[] } = JSON.parse(
  readFileSync(new URL('../specs/vectors/identifiers.json', import.meta.url), 'utf8')
)

for (const { about, json, sha256 } of vectors.ams_envelope_canonical) {
  test(`writes ${about}`, () => {
    const text = canonicalJson(JSON.parse(json))

    assert.equal(text, json)
    assert.equal(createHash('sha256').update(text).digest('hex'), sha256)
  })
}

test('sorts members by UTF-16 code units at every depth', () => {
  assert.equal(
    canonicalJson({ b: [{ z: 1, a: 2 }], a: 'é', Z: null }),
    '{"Z":null,"a":"é","b":[{"a":2,"z":1}]}'
  )
})

test('refuses fractions, unsafe integers, NaN and lone surrogates', () => {
  for (const value of [1.5, 2 ** 53, Number.NaN, '\ud800']) {
    assert.throws(() => canonicalJson({ deep: [value] }), TypeError)
  }
  assert.throws(() => canonicalJson({ '\ud800': 1 }), TypeError)
})

test('signs over the domain tag, a line feed and the canonical text', () => {
  assert.equal(Buffer.from(signedBytes('kind/1', { b: 1, a: 2 })).toString(), 'kind/1\n{"a":2,"b":1}')
})
