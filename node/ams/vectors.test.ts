import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { formatCursor, parseCursor } from './cursor.ts'
import { digestOf, immutableText, provenBytes } from './envelope.ts'
import type { EnvelopeProof, Immutable, Validation } from './envelope.ts'
import { verifyProofs } from './proofs.ts'
import { readEnvelope } from './read-envelope.ts'
import { brokenAt, recordHash } from './status.ts'
import type { StatusRecord } from './status.ts'

interface Vectors {
  readonly envelopes: readonly {
    readonly about: string
    readonly rule: Validation
    readonly envelope: Readonly<Record<string, never>>
    readonly sha256?: string
    readonly code?: string
  }[]
  readonly proofs: {
    readonly signed_utf8: string
    readonly secrets: Readonly<Record<string, string>>
    readonly cases: readonly {
      readonly about: string
      readonly proof: EnvelopeProof
      readonly is_valid: boolean
    }[]
  }
  readonly chains: readonly {
    readonly about: string
    readonly envelope: string
    readonly records: readonly StatusRecord[]
    readonly hashes?: readonly string[]
    readonly broken_at: number | null
  }[]
  readonly cursors: {
    readonly pairs: readonly { readonly place: number; readonly cursor: string }[]
    readonly refused: readonly string[]
  }
}

const read = <T>(name: string): T =>
  JSON.parse(readFileSync(new URL(`../../specs/vectors/${name}`, import.meta.url), 'utf8')) as T
const { envelopes, proofs, chains, cursors } = read<Vectors>('ams-envelopes.json')

void test('the digest is that of the canonical envelope that others have given', () => {
  const [given] = read<{ ams_envelope_canonical: readonly { json: string; sha256: string }[] }>(
    'identifiers.json'
  ).ams_envelope_canonical
  const envelope = JSON.parse(given!.json) as Immutable

  assert.equal(immutableText(envelope), given!.json)
  assert.equal(digestOf(envelope), given!.sha256)
})

void describe('an envelope', () => {
  for (const { about, rule, envelope, sha256, code } of envelopes) {
    if (sha256 !== undefined)
      void test(`${about} (${rule}): is taken`, () => {
        const { immutable } = readEnvelope(envelope, rule)

        assert.equal(digestOf(immutable as Immutable), sha256)
      })
    else
      void test(`${about} (${rule}): ${code}`, () => {
        assert.throws(() => readEnvelope(envelope, rule), { name: 'EnvelopeRefusal', code })
      })
  }
})

void describe('a proof', () => {
  const { envelope } = envelopes[0]!
  const { immutable } = readEnvelope(envelope, 'standard')
  const secrets = new Map(
    Object.entries(proofs.secrets).map(([name, hex]) => [name, Buffer.from(hex, 'hex')])
  )

  void test('is made over the tag and the canonical immutable part', () => {
    assert.equal(provenBytes(immutable as Immutable).toString(), proofs.signed_utf8)
  })

  for (const { about, proof, is_valid: isValid } of proofs.cases) {
    void test(`${about}: ${isValid ? 'verifies' : 'is refused'}`, () => {
      const verify = (): void => verifyProofs(immutable as Immutable, [proof], secrets)

      if (isValid) verify()
      else assert.throws(verify, { code: 'bad_proof' })
    })
  }
})

void describe('a chain of status', () => {
  for (const { about, envelope, records, hashes, broken_at: at } of chains) {
    void test(about, () => {
      assert.equal(brokenAt(envelope, records), at ?? undefined)
      if (hashes !== undefined) assert.deepEqual(records.map(recordHash), hashes)
    })
  }
})

void test('cursors are written and read as they stand, and no other text is one', () => {
  for (const { place, cursor } of cursors.pairs) {
    assert.equal(formatCursor(place), cursor)
    assert.equal(parseCursor(cursor), place)
  }
  for (const text of cursors.refused) assert.equal(parseCursor(text), undefined, text)
})
