import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { OapError } from './errors.ts'
import { FrameDecoder } from './frame-decoder.ts'
import type { FrameFault, FrameSink } from './frame-decoder.ts'
import { FLAG, MAX_FRAME_BYTES, encodeFrame } from './frame.ts'
import type { CorrId, Frame } from './frame.ts'
import { encodeJson, parseJson } from './json.ts'
import type { JsonObject } from './json.ts'
import { HeaderCache, decodePayload, encodeRecord } from './record.ts'

const RUNS = { numRuns: 1000 }

interface Sample {
  readonly flags: number
  readonly code: number
  readonly app: number
  readonly tenant: Uint8Array | undefined
  readonly corr: CorrId
  readonly cap: Uint8Array
  readonly payload: Uint8Array
}

const canonical = (wide: bigint): CorrId => (wide <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(wide) : wide)

const samples: fc.Arbitrary<Sample> = fc
  .record({
    flags: fc.integer({ min: 0, max: 255 }),
    code: fc.integer({ min: 0, max: 0xffff }),
    app: fc.integer({ min: 0, max: 0xffff }),
    tenant: fc.option(
      fc.uint8Array({ minLength: 16, maxLength: 16 }).filter(t => t.some(b => b !== 0)),
      { nil: undefined }
    ),
    corr: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }).map(canonical),
    cap: fc.uint8Array({ maxLength: 40 }),
    payload: fc.uint8Array({ maxLength: 300 })
  })
  .map(s => ({ ...s, cap: (s.flags & FLAG.START) === 0 ? new Uint8Array(0) : s.cap }))

const joined = (parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(Buffer.concat(parts))

const cuts = fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 12 })

class Taken implements FrameSink {
  readonly frames: object[] = []
  readonly faults: FrameFault[] = []
  frame(f: Frame): boolean {
    const { flags, code, app, corr } = f
    this.frames.push({
      flags,
      code,
      app,
      corr,
      tenant: f.tenant?.slice(),
      cap: f.cap.slice(),
      payload: f.payload.slice()
    })
    return true
  }
  fault(fault: FrameFault): boolean {
    this.faults.push(fault)
    return true
  }
}

function feed(decoder: FrameDecoder, bytes: Uint8Array, sizes: readonly number[]): void {
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length]!
    decoder.push(bytes.subarray(at, at + size))
    at += size
  }
}

test('gives back every frame, however the bytes are divided', () => {
  fc.assert(
    fc.property(fc.array(samples, { maxLength: 6 }), cuts, (frames, sizes) => {
      const taken = new Taken()

      feed(new FrameDecoder(taken), joined(frames.map(f => encodeFrame(f))), sizes)

      assert.equal(taken.faults.length, 0)
      assert.deepEqual(
        taken.frames.map(f => ({ ...f })),
        frames.map(f => ({ ...f }))
      )
    }),
    RUNS
  )
})

test('takes hostile bytes without a throw, and the same way in one piece as in many', () => {
  fc.assert(
    fc.property(mutated(), cuts, (bytes, sizes) => {
      const whole = new Taken()
      const pieces = new Taken()

      feed(new FrameDecoder(whole), bytes, [bytes.length || 1])
      feed(new FrameDecoder(pieces), bytes, sizes)

      assert.deepEqual(pieces.frames, whole.frames)
      assert.deepEqual(pieces.faults, whole.faults)
    }),
    RUNS
  )
})

test('asks for room before it makes any, and for no more than the frame says', () => {
  fc.assert(
    fc.property(mutated(), cuts, (bytes, sizes) => {
      const asked: number[] = []
      const sink: FrameSink = {
        frame: () => true,
        fault: () => true,
        reserve: n => {
          asked.push(n)
          return true
        }
      }

      feed(new FrameDecoder(sink), bytes, sizes)

      assert.ok(asked.every(n => n <= MAX_FRAME_BYTES + 4))
    }),
    RUNS
  )
})

test('loses nothing when its sink stops it after any frame', () => {
  fc.assert(
    fc.property(
      fc.array(samples, { minLength: 1, maxLength: 8 }),
      cuts,
      fc.array(fc.boolean()),
      (frames, sizes, stops) => {
        let seen = 0
        const sink: FrameSink = { frame: () => stops[seen++] !== true, fault: () => true }
        const decoder = new FrameDecoder(sink)

        feed(decoder, joined(frames.map(f => encodeFrame(f))), sizes)
        for (let i = 0; i < frames.length; i++) decoder.resume()

        assert.equal(seen, frames.length)
        assert.equal(decoder.heldBytes, 0)
      }
    ),
    RUNS
  )
})

function mutated(): fc.Arbitrary<Uint8Array> {
  const edits = fc.array(fc.tuple(fc.nat(400), fc.integer({ min: 0, max: 255 })), { maxLength: 4 })
  const edited = fc
    .tuple(fc.array(samples, { maxLength: 4 }), edits, fc.nat(40))
    .map(([frames, changes, cut]) => {
      const bytes = joined(frames.map(f => encodeFrame(f)))
      for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value
      return bytes.subarray(0, Math.max(0, bytes.length - cut))
    })
  return fc.oneof(edited, fc.uint8Array({ maxLength: 400 }))
}

const jsonValue = fc.letrec<{ value: unknown }>(tie => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constant(null),
    fc.boolean(),
    fc.maxSafeInteger().map(n => n + 0),
    fc.string({ unit: 'binary' }).filter(s => s.isWellFormed()),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.string({ maxLength: 6 }), tie('value'), { maxKeys: 4, noNullPrototype: true })
  )
})).value

const jsonObjects = fc.dictionary(fc.string({ maxLength: 8 }), jsonValue, {
  maxKeys: 5,
  noNullPrototype: true
}) as fc.Arbitrary<JsonObject>

test('reads back every JSON object that it writes, or refuses it for its depth', () => {
  fc.assert(
    fc.property(jsonObjects, value => {
      let read: JsonObject
      try {
        read = parseJson(encodeJson(value))
      } catch (error) {
        assert.match((error as Error).message, /deeper than 16/)
        return
      }
      assert.equal(JSON.stringify(read), JSON.stringify(value))
    }),
    RUNS
  )
})

test('never takes JSON text that JSON.parse refuses, and agrees with it on the rest', () => {
  const texts = fc.oneof(
    fc.tuple(jsonObjects, fc.nat(60), fc.string({ maxLength: 3 })).map(([o, at, patch]) => {
      const text = JSON.stringify(o)
      return (
        text.slice(0, at % (text.length + 1)) + patch + text.slice((at % (text.length + 1)) + patch.length)
      )
    }),
    fc.string({ maxLength: 40 }).map(s => `{${s}}`)
  )
  fc.assert(
    fc.property(texts, text => {
      const bytes = new TextEncoder().encode(text)
      let read: JsonObject
      try {
        read = parseJson(bytes)
      } catch (error) {
        assert.ok(error instanceof OapError)
        return
      }
      assert.deepEqual(read, JSON.parse(new TextDecoder().decode(bytes)))
    }),
    RUNS
  )
})

test('takes a record apart into what it was made of, cached or not', () => {
  const cache = new HeaderCache()
  fc.assert(
    fc.property(jsonObjects, fc.uint8Array({ maxLength: 100 }), (header, body) => {
      const record = encodeRecord(header, body)
      let plain
      try {
        plain = decodePayload(record)
      } catch (error) {
        assert.match((error as Error).message, /deeper than 16/)
        return
      }
      assert.deepEqual(plain.body, body)
      for (let i = 0; i < 2; i++) assert.deepEqual(cache.decode(record), plain)
    }),
    RUNS
  )
})

test('throws nothing but OapError for hostile payloads', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), bytes => {
      for (const first of [0x00, 0x7b]) {
        try {
          decodePayload(Uint8Array.of(first, ...bytes))
        } catch (error) {
          assert.ok(error instanceof OapError, String(error))
        }
      }
    }),
    RUNS
  )
})
