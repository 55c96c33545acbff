import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { encodeJson, parseJson } from '../../protocols/index.ts'
import { digestOf, isRepostOf } from './envelope.ts'
import type { Immutable } from './envelope.ts'
import { readEnvelope, strictProblem } from './read-envelope.ts'
import { EnvelopeRefusal } from './refusal.ts'

const text = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
  .filter(value => !/\p{Cc}/u.test(value) && value.isWellFormed())
const value = fc.letrec(tie => ({
  any: fc.oneof(
    { depthSize: 'small' },
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    text,
    fc.array(tie('any'), { maxLength: 4 }),
    fc.dictionary(text, tie('any'), { maxKeys: 4 })
  )
})).any
const envelope = fc.record({
  id: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,30}$/),
  created_at: fc
    .date({ min: new Date(0), max: new Date('9999-12-31T00:00:00Z'), noInvalidDate: true })
    .map(date => date.toISOString()),
  type: text,
  thread: text,
  from: text,
  to: text,
  payload: fc.dictionary(text, value, { maxKeys: 5 })
})
const keptOf = (immutable: Immutable) => ({ immutable, sha256: digestOf(immutable) })
const read = (one: unknown): Immutable =>
  readEnvelope(parseJson(encodeJson(one as never)), 'standard').immutable as Immutable

test('an envelope has one digest, in whatever order its members come', () => {
  fc.assert(
    fc.property(envelope, fc.integer(), (one, seed) => {
      const members = Object.entries(one).sort(([a], [b]) => hashed(a, seed) - hashed(b, seed))

      assert.equal(digestOf(read(Object.fromEntries(members))), digestOf(read(one)))
    }),
    { numRuns: 1000 }
  )
})

test('a change of any member is another digest, and no repost', () => {
  fc.assert(
    fc.property(envelope, fc.constantFrom('type', 'thread', 'from', 'to'), (one, name) => {
      const changed = { ...one, [name]: `${one[name]}x` }

      assert.notEqual(digestOf(read(changed)), digestOf(read(one)))
      assert.equal(isRepostOf(changed as Partial<Immutable>, keptOf(read(one))), false)
      assert.equal(isRepostOf({ type: one.type, thread: one.thread }, keptOf(read(one))), true)
    }),
    { numRuns: 1000 }
  )
})

test('any object is read, or refused by name, and what strict takes every rule takes', () => {
  const mixed = fc.record(
    Object.fromEntries(
      ['id', 'created_at', 'type', 'thread', 'from', 'to', 'payload', 'status', 'meta', 'proofs'].map(
        name => [name, fc.oneof(value, fc.constant('t_a'), fc.constant({}), fc.constant([]))]
      )
    ),
    { requiredKeys: [] }
  )
  fc.assert(
    fc.property(mixed, one => {
      const taken = (['lenient', 'standard', 'strict'] as const).map(rule => {
        try {
          readEnvelope(one as never, rule)
          return true
        } catch (error) {
          assert.ok(error instanceof EnvelopeRefusal)
          return false
        }
      })

      assert.deepEqual(
        taken,
        taken.toSorted((a, b) => Number(b) - Number(a))
      )
      assert.equal(strictProblem(one as never) === undefined, taken[2])
    }),
    { numRuns: 2000 }
  )
})

const hashed = (name: string, seed: number): number =>
  Array.from(name).reduce((sum, c) => (sum * 31 + c.charCodeAt(0) + seed) | 0, 7)
