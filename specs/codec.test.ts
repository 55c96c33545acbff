import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import {
  FLAG,
  FrameDecoder,
  OapError,
  checkZstdFrame,
  corrHex,
  decodeBatch,
  decodePayload,
  decodeRecord,
  encodeFrame,
  parseCorrHex,
  parseJson,
  tenantBytes,
  tenantUuid
} from '../protocols/index.ts'
import type { Frame, FrameFault, FrameSink, Json } from '../protocols/index.ts'
import { nodePlatform } from '../node/index.ts'
import { Inflater } from '../protocols/compression.ts'
import { vectorBytes } from './index.ts'
import type { Bytes as VectorBytes } from './index.ts'

type Flags = readonly (keyof typeof FLAG)[]

interface Fields {
  readonly flags: Flags
  readonly code?: number
  readonly app?: number
  readonly tenant?: string
  readonly cap_len?: number
  readonly corr_id?: string
  readonly payload_bytes?: number
}

const load = (name: string) => JSON.parse(readFileSync(new URL(`vectors/${name}`, import.meta.url), 'utf8'))
const given = load('oap1-frames.json')
const more = load('oap1-frames-more.json')
const payloads = load('oap1-payloads.json')

const flagBits = (names: Flags): number => names.reduce((bits, name) => bits | FLAG[name], 0)
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

class Recorder implements FrameSink {
  readonly frames: Frame[] = []
  readonly faults: FrameFault[] = []
  readonly order: string[] = []
  frame(frame: Frame): boolean {
    this.frames.push(frame)
    this.order.push('frame')
    return true
  }
  fault(fault: FrameFault): boolean {
    this.faults.push(fault)
    this.order.push(fault.code)
    return true
  }
}

function decode(
  bytes: Uint8Array,
  pieceBytes = bytes.length || 1
): { sink: Recorder; decoder: FrameDecoder } {
  const sink = new Recorder()
  const decoder = new FrameDecoder(sink)
  for (let at = 0; at < bytes.length; at += pieceBytes) decoder.push(bytes.subarray(at, at + pieceBytes))
  return { sink, decoder }
}

for (const { name, about, hex: text } of [...given.valid, ...given.edge]) {
  test(`${name}: ${about}`, () => {
    const { sink } = decode(Buffer.from(text, 'hex'))

    assert.equal(sink.faults.length, 0)
    assert.equal(sink.frames.length, 1)
  })
}

for (const { name, about, hex: text } of given.invalid) {
  test(`${name} is refused: ${about}`, () => {
    const { sink } = decode(Buffer.from(text, 'hex'))

    assert.equal(sink.frames.length, 0)
    assert.equal(sink.faults.length, 1)
  })
}

for (const { name, about, bytes, fields, payload, cap } of more.valid) {
  test(`${name} decodes and encodes: ${about}`, () => {
    const whole = vectorBytes(bytes)
    const [frame] = decode(whole).sink.frames
    assert.ok(frame)

    assert.equal(frame.flags, flagBits(fields.flags))
    assert.equal(frame.code, fields.code)
    assert.equal(frame.app, fields.app)
    assert.equal(tenantUuid(frame.tenant), fields.tenant)
    assert.equal(frame.capLength, fields.cap_len)
    assert.equal(corrHex(frame.corr), fields.corr_id)
    assert.equal(frame.corrId, BigInt(fields.corr_decimal))
    assert.equal(frame.payloadBytes, fields.payload_bytes)
    if (payload !== undefined) assert.equal(hex(frame.payload), payload)
    if (cap !== undefined) assert.equal(hex(frame.cap), cap)
    assert.deepEqual(Buffer.from(reencode(frame, fields)), withoutReservedFlags(whole))
  })
}

function withoutReservedFlags(whole: Uint8Array): Buffer {
  const bytes = Buffer.from(whole)
  bytes[6] = 0
  return bytes
}

function reencode(frame: Frame, fields: Fields): Uint8Array {
  return encodeFrame({
    flags: frame.flags,
    code: frame.code,
    app: frame.app,
    tenant: tenantBytes(fields.tenant!),
    corr: parseCorrHex(fields.corr_id)!,
    cap: frame.cap,
    payload: frame.payload
  })
}

for (const { name, about, bytes, reason, status, session, answer } of more.invalid) {
  test(`${name} is ${reason}: ${about}`, () => {
    const { sink } = decode(vectorBytes(bytes))

    const [fault] = sink.faults
    assert.ok(fault)
    assert.equal(fault.code, reason)
    assert.equal(new OapError(fault.code).status, status)
    assert.equal(fault.fatal, session === 'closes')
    assert.equal(corrHex(fault.corr), answer.corr_id)
    assert.equal(fault.app, answer.app)
  })
}

for (const { name, about, bytes, outcome, rest } of more.sequences) {
  for (const pieceBytes of [1, 3, 36, 37, 38, 1 << 20]) {
    test(`${name} in pieces of ${pieceBytes}: ${about}`, () => {
      const { sink, decoder } = decode(vectorBytes(bytes), pieceBytes)

      const expected = (outcome as (string | object)[]).map(o =>
        typeof o === 'string' ? o : Object.keys(o)[0]
      )
      assert.deepEqual(sink.order, expected)
      assert.equal(decoder.isPartial, rest === 'partial')
    })
  }
}

for (const { name, about, frame, reason } of more.unencodable) {
  test(`${name} is not encoded: ${about}`, () => {
    const build = () =>
      encodeFrame({
        flags: flagBits(frame.flags),
        app: frame.app ?? 1,
        corr: parseCorrHex(frame.corr_id ?? '0000000000000001')!,
        cap: frame.cap === undefined ? undefined : vectorBytes(frame.cap),
        payload: frame.payload === undefined ? new Uint8Array(0) : vectorBytes(frame.payload)
      })

    assert.throws(build, (error: OapError) => error.code === reason)
  })
}

interface Judged {
  readonly name: string
  readonly about: string
  readonly bytes: VectorBytes
  readonly accept: boolean
  readonly reason?: string
  readonly status?: number
}

function judge({ name, about, accept, reason, status }: Judged, run: () => void): void {
  test(`${name} ${accept ? 'is taken' : `is ${reason}`}: ${about}`, () => {
    if (accept) return run()
    assert.throws(run, (error: OapError) => error.code === reason && error.status === status)
  })
}

for (const v of payloads.json as (Judged & { value?: Json })[]) {
  judge(v, () => {
    const value = parseJson(vectorBytes(v.bytes))
    if (v.value !== undefined) assert.deepEqual(value, v.value)
  })
}

for (const v of payloads.start as (Judged & { form: string; header?: Json; body: VectorBytes })[]) {
  judge(v, () => {
    const { header, body, isRecord } = decodePayload(vectorBytes(v.bytes))
    assert.equal(isRecord ? 'record' : 'json', v.form)
    if (v.header !== undefined) assert.deepEqual(header, v.header)
    assert.equal(hex(body), hex(vectorBytes(v.body)))
  })
}

for (const v of payloads.batch as (Judged & { count: number; records: { header: Json; body: string }[] })[]) {
  judge(v, () => {
    const records = decodeBatch(vectorBytes(v.bytes), v.count).map(decodeRecord)
    assert.deepEqual(
      records.map(({ header, body }) => ({ header, body: hex(body) })),
      v.records
    )
  })
}

for (const v of payloads.zstd as (Judged & { inflated: VectorBytes })[]) {
  judge(v, () => {
    const bytes = vectorBytes(v.bytes)
    if (bytes.length > 0) checkZstdFrame(bytes)
    const plain = new Inflater(nodePlatform).inflate(bytes)
    assert.deepEqual(Buffer.from(plain), Buffer.from(vectorBytes(v.inflated)))
  })
}
