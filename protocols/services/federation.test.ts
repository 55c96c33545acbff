import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { OapError } from '../errors.ts'
import { decodePayload } from '../record.ts'
import { NO_MEMBERS } from '../service.ts'
import type { Unary } from '../service.ts'
import { federationService } from './federation.ts'

const { operations } = federationService
const BODY = Buffer.from('{"a":1}')
const SIGNATURE = 'ab'.repeat(64)
const MAC = 'cd'.repeat(32)

/** The START payload of a request. */
function payloadOf(op: keyof typeof operations, value: object): Uint8Array {
  const { request } = operations[op] as Unary<object, unknown>
  const { head, body } = request.encode(op, value, NO_MEMBERS)
  return Buffer.concat([head, body])
}

/** What a responder makes of a START payload. */
function requestOf(op: keyof typeof operations, payload: Uint8Array): unknown {
  const { header, body } = decodePayload(payload)
  return operations[op].request.decode(header, body)
}

test('carries messages as bodies, and what signs them beside', () => {
  const requests = [
    ['hello', { body: BODY }],
    ['prove', { body: BODY, signature: SIGNATURE }],
    ['pair', { body: BODY, signature: SIGNATURE, mac: MAC }],
    ['probe', {}],
    ['treaty', { body: BODY }],
    ['keys', { from: 3 }],
    ['new_keys', { body: BODY }],
    ['leave', { reason: 'removed' }]
  ] as const
  for (const [op, value] of requests) {
    const read = requestOf(op, payloadOf(op, value)) as { body?: Uint8Array }
    assert.deepEqual({ ...read, ...(read.body && { body: Buffer.from(read.body) }) }, value)
  }
})

test('gives back the answers that it writes', () => {
  const answers = [
    [operations.prove, { body: BODY, signature: SIGNATURE }],
    [operations.pair, { body: BODY, signature: SIGNATURE, mac: MAC }],
    [operations.probe, { time: 1_795_000_000, revocation_seq: 7 }],
    [operations.leave, {}]
  ] as const
  for (const [row, value] of answers) {
    const { answer } = row as Unary<unknown, { body?: Uint8Array }>
    const { head, body } = answer.encode(value as { body?: Uint8Array })
    const read = answer.decode(Buffer.concat([head, body]))
    assert.deepEqual({ ...read, ...(read.body && { body: Buffer.from(read.body) }) }, value)
  }
})

test('refuses signatures and macs of another length or case, and a body where none is taken', () => {
  const wrong = [
    ['prove', { body: BODY, signature: SIGNATURE.slice(2) }],
    ['prove', { body: BODY, signature: SIGNATURE.toUpperCase() }],
    ['prove', { body: BODY }],
    ['pair', { body: BODY, signature: SIGNATURE }],
    ['pair', { body: BODY, signature: SIGNATURE, mac: `${MAC}00` }],
    ['leave', { reason: 'x'.repeat(65) }]
  ] as const
  for (const [op, value] of wrong)
    assert.throws(() => requestOf(op, payloadOf(op, value)), { code: 'bad_request' }, op)
  assert.throws(() => requestOf('probe', payloadOf('hello', { body: BODY })), { code: 'bad_request' })
})

test('answers hostile bytes with OapError alone', () => {
  const ops = fc.constantFrom(...(Object.keys(operations) as (keyof typeof operations)[]))
  const real = fc.tuple(fc.nat(600), fc.nat(255)).map(([at, value]) => {
    const bytes = Buffer.from(payloadOf('pair', { body: BODY, signature: SIGNATURE, mac: MAC }))
    bytes[at % bytes.length] = value
    return bytes
  })
  fc.assert(
    fc.property(ops, fc.oneof(real, fc.uint8Array({ maxLength: 200 })), (op, payload) => {
      try {
        requestOf(op, payload)
      } catch (error) {
        assert.ok(error instanceof OapError, String(error))
      }
    }),
    { numRuns: 2000 }
  )
})
