import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { FLAG, encodeFrame, encodeRecord } from '../../protocols/index.ts'
import { vectorBytes } from '../../specs/index.ts'
import type { Bytes } from '../../specs/index.ts'
import { explainFrames } from './explain.ts'
import type { ExplainedField } from './explain.ts'

interface Vector {
  readonly name: string
  readonly hex?: string
  readonly bytes?: Bytes
  readonly reason?: string
  readonly fields?: { readonly corr_id: string; readonly tenant: string; readonly cap_len: number }
}

const vectors = (name: string): { valid: Vector[]; invalid: Vector[] } =>
  JSON.parse(readFileSync(new URL(`../../specs/vectors/${name}.json`, import.meta.url), 'utf8'))

const bytesOf = ({ hex, bytes }: Vector): Uint8Array => vectorBytes(hex ?? bytes)

const given = vectors('oap1-frames')
const more = vectors('oap1-frames-more')

test('explains each valid vector as one frame whose fields cover all of its bytes', () => {
  for (const vector of [...given.valid, ...more.valid]) {
    const bytes = bytesOf(vector)

    const { frames } = explainFrames(bytes)

    assert.equal(frames.length, 1, vector.name)
    const fields = frames[0]?.fields ?? []
    assert.equal(covered(fields), bytes.length, vector.name)
  }
})

test('prints corr_id, tenant and cap_len of the vectors as they are', () => {
  const withFields = more.valid.flatMap(vector =>
    vector.fields === undefined ? [] : [{ vector, said: vector.fields }]
  )
  assert.ok(withFields.length > 0)
  for (const { vector, said } of withFields) {
    const fields = explainFrames(bytesOf(vector)).frames[0]?.fields ?? []

    assert.equal(valueOf(fields, 'corr_id'), said.corr_id, vector.name)
    assert.equal(valueOf(fields, 'cap_len'), String(said.cap_len), vector.name)
    const isNone = said.tenant === '00000000-0000-0000-0000-000000000000'
    assert.equal(valueOf(fields, 'tenant_id'), isNone ? 'none' : said.tenant, vector.name)
  }
})

test('names the reason of each invalid vector', () => {
  assert.ok(more.invalid.length > 0)
  for (const vector of more.invalid) {
    const { problems } = explainFrames(bytesOf(vector))

    assert.match(problems.join('\n'), new RegExp(vector.reason ?? 'no reason'), vector.name)
  }
})

const request = (flags: number, payload: Uint8Array, app = 1): Uint8Array =>
  encodeFrame({ flags: FLAG.REQ | FLAG.START | FLAG.END | flags, app, corr: 1, payload })

test('shows nothing of a sealed body, not even its bytes', () => {
  const secret = Buffer.from('the secret')
  const sealed = request(FLAG.APP_E2E, encodeRecord({ op: 'echo' }, secret))

  const shown = JSON.stringify(explainFrames(sealed).frames)

  assert.match(shown, /sealed between applications, 10 bytes/)
  assert.doesNotMatch(shown, /the secret/)
  assert.ok(!shown.includes(secret.toString('hex')))
})

const WRONG: readonly (readonly [what: string, bytes: Uint8Array, problem: RegExp])[] = [
  [
    'a core service without a form',
    request(0, Buffer.from('x')),
    /bad_payload \(400\): the payload begins with 0x78/
  ],
  [
    'a member that stands twice',
    request(0, Buffer.from('{"op":"a","op":"b"}')),
    /bad_payload .*stands twice/
  ],
  ['a record that names no operation', request(0, encodeRecord({})), /unknown_operation \(400\)/],
  ['COMP on the JSON form', request(FLAG.COMP, Buffer.from('{"op":"echo"}')), /bad_payload .*need a record/],
  [
    'COMP on what is no zstd',
    request(FLAG.COMP, encodeRecord({ op: 'echo' }, Buffer.from('not zstd'))),
    /bad_payload .*not a zstd frame/
  ],
  [
    'an unknown control operation',
    request(0, Buffer.from('{"op":"constructor"}'), 0),
    /unknown_operation \(404\)/
  ],
  ['two kinds at once', encodeFrame({ flags: FLAG.REQ | FLAG.RESP, app: 1, corr: 1 }), /exactly one of REQ/],
  ['no kind at all', encodeFrame({ flags: FLAG.START, app: 1, corr: 1 }), /none of REQ/],
  ['corr_id 0 on a service', encodeFrame({ flags: FLAG.REQ, app: 1, corr: 0 }), /corr_id 0 belongs to HELLO/]
]

for (const [what, bytes, problem] of WRONG) {
  test(`refuses ${what}`, () => {
    const { problems } = explainFrames(bytes)

    assert.equal(problems.length, 1)
    assert.match(problems[0] ?? '', problem)
  })
}

test('takes any payload of an application that need not have a table', () => {
  const { problems, frames } = explainFrames(request(0, Buffer.from('own form'), 0x8001))

  assert.deepEqual(problems, [])
  assert.match(JSON.stringify(frames), /opaque: neither a record nor a JSON object/)
})

test('says where in the input the second frame is wrong, and explains the first', () => {
  const first = encodeFrame({ flags: FLAG.REQ | FLAG.END, app: 1, corr: 1 })

  const { frames, problems } = explainFrames(Buffer.concat([first, first.subarray(0, 10)]))

  assert.equal(frames.length, 1)
  assert.deepEqual(problems, ['frame 2 at byte 37: cut off: 10 of 37 bytes are there'])
})

test('never throws, whatever the bytes', () => {
  const header = fc.tuple(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.uint8Array({ maxLength: 80 }))
  const framed = header.map(([rest, payload]) => {
    const len = Buffer.alloc(4)
    len.writeUInt32LE(33 + payload.length)
    return Buffer.concat([len, Buffer.from([1]), rest, payload])
  })
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), framed), bytes => {
      const { frames, problems } = explainFrames(bytes)
      assert.ok(bytes.length === 0 || frames.length + problems.length > 0)
    })
  )
})

const covered = (fields: readonly ExplainedField[]): number =>
  Math.max(...fields.map(({ offset, bytes }) => offset + bytes))

const valueOf = (fields: readonly ExplainedField[], name: string): string | undefined =>
  fields.find(field => field.name === name)?.value
