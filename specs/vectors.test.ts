import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { parseReasons } from './reasons-table.ts'
import { decodeAll, decodeFrame } from './reference-decoder.ts'
import { vectorBytes, vectorFrame, vectorSend } from './vector-bytes.ts'
import type { Bytes, VectorFrame } from './vector-bytes.ts'

const read = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8')
const oap1 = read('oap-1.md')
const statusOf = new Map(parseReasons(oap1).map(({ reason, status }) => [reason, status]))

interface Named {
  readonly name: string
  readonly about: string
}
interface Refused extends Named {
  readonly bytes: Bytes
  readonly reason: string
  readonly status: number
}
interface Valid extends Named {
  readonly bytes: Bytes
  readonly fields: Record<string, unknown>
  readonly payload?: string
  readonly cap?: string
}
interface Invalid extends Refused {
  readonly session: string
  readonly answer: { readonly app: number; readonly corr_id: string }
}
interface Sequence extends Named {
  readonly bytes: Bytes
  readonly outcome: readonly string[]
  readonly rest: string
}
type Payload = Refused & { readonly accept: boolean }
type Step = Readonly<Record<string, unknown>>
interface Conversation {
  readonly id: string
  readonly rule: string
  readonly about: string
  readonly needs?: readonly string[]
  readonly slow_ms?: number
  readonly steps: readonly Step[]
}

const given = JSON.parse(read('vectors/oap1-frames.json')) as Record<
  'valid' | 'invalid',
  { name: string; hex: string }[]
>
const more = JSON.parse(read('vectors/oap1-frames-more.json')) as {
  valid: Valid[]
  invalid: Invalid[]
  sequences: Sequence[]
  unencodable: (Named & { frame: VectorFrame; reason: string })[]
}
const payloads = JSON.parse(read('vectors/oap1-payloads.json')) as Record<
  'json' | 'start' | 'batch' | 'zstd',
  Payload[]
>
const { conversations } = JSON.parse(read('vectors/oap1-conversations.json')) as {
  conversations: Conversation[]
}

const isRefusal = (reason: unknown, status: unknown): boolean =>
  typeof reason === 'string' &&
  (statusOf.get(reason) === status || (reason === 'unknown_operation' && status === 400))

describe('the given frames', () => {
  for (const { name, hex } of given.valid) {
    test(`${name} decodes`, () =>
      assert.deepEqual(decodeAll(Buffer.from(hex, 'hex')), { outcome: ['frame'], rest: 'clean' }))
  }
  for (const { name, hex } of given.invalid) {
    test(`${name} is refused`, () => assert.notEqual(decodeFrame(Buffer.from(hex, 'hex')).outcome, 'frame'))
  }
})

describe('our frames', () => {
  for (const { name, about, bytes, fields, payload, cap } of more.valid) {
    test(`${name}: ${about}`, () => {
      const decoded = decodeFrame(vectorBytes(bytes))
      assert.ok(decoded.outcome === 'frame')
      const { frame } = decoded
      const { cap: capBytes, payload: payloadBytes, ...rest } = frame

      const lengths = { cap_len: capBytes.length, payload_bytes: payloadBytes.length }
      const corr_decimal = BigInt(`0x${rest.corr_id}`).toString()
      assert.deepEqual({ ...rest, ...lengths, corr_decimal }, fields)
      if (payload !== undefined) assert.equal(payloadBytes.toString('hex'), payload)
      if (cap !== undefined) assert.equal(capBytes.toString('hex'), cap)
    })
  }

  for (const { name, about, bytes, reason, status, session, answer } of more.invalid) {
    test(`${name}: ${about}`, () => {
      const b = vectorBytes(bytes)
      const decoded = decodeFrame(b)
      const lives = 'next' in decoded && decoded.next !== undefined

      assert.equal(decoded.outcome, reason)
      assert.ok(isRefusal(reason, status))
      assert.equal(session, lives ? 'lives' : 'closes')
      assert.equal(answer.app, lives ? b.readUInt16LE(9) : 0)
      const own = b.length >= 37 && reason !== 'frame_oversize' && b.readUInt32LE(0) >= 33
      assert.equal(BigInt(`0x${answer.corr_id}`), own ? b.readBigUInt64LE(29) : 0n)
    })
  }

  for (const { name, about, bytes, outcome, rest } of more.sequences) {
    test(`${name}: ${about}`, () => assert.deepEqual(decodeAll(vectorBytes(bytes)), { outcome, rest }))
  }

  for (const { name, about, frame, reason } of more.unencodable) {
    test(`${name}: ${about}`, () => {
      const capBytes = vectorBytes(frame.cap).length
      const tooWide = capBytes > 65_535

      assert.ok(statusOf.has(reason))
      assert.equal(tooWide ? 'bad_frame' : decodeFrame(vectorFrame(frame)).outcome, reason)
    })
  }
})

describe('the payloads', () => {
  for (const [kind, entries] of Object.entries(payloads)) {
    if (!Array.isArray(entries)) continue
    test(`${kind}: bytes are well formed, names are unique, every refusal is in the table of reasons`, () => {
      assert.equal(new Set(entries.map(({ name }) => name)).size, entries.length)
      for (const { name, bytes, accept, reason, status } of entries) {
        vectorBytes(bytes)
        assert.ok(accept ? reason === undefined : isRefusal(reason, status), name)
      }
    })
  }

  test('JSON that is accepted is JSON to a common parser too', () => {
    const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
    for (const { name, bytes, accept } of payloads.json) {
      if (accept) assert.doesNotThrow(() => JSON.parse(utf8.decode(vectorBytes(bytes))), name)
    }
  })
})

const STEPS =
  'send send_each expect expect_answer expect_body expect_none expect_unfinished forget fin reset open wait_ms'.split(
    ' '
  )
const EXPECT = 'corr_id flags app code tenant payload json json_most reason'.split(' ')
const ANSWER = 'corr_id code body inflate tenant max_payload events all_flags reason'.split(' ')
const BESIDE = 'pieces within_ms after_any_frames'.split(' ')

function judgeStep(step: Step): void {
  const [kind = '', ...beside] = Object.keys(step).filter(member => !BESIDE.includes(member))
  assert.ok(STEPS.includes(kind) && beside.length === 0, `not a step: ${JSON.stringify(step)}`)
  const value = step[kind]
  if (kind === 'send') vectorSend(value as VectorFrame)
  if (kind === 'send_each') vectorFrame((value as { frame: VectorFrame }).frame)
  if (kind === 'expect' && typeof value === 'string')
    assert.ok(['alive', 'close', 'reset'].includes(value), value)
  else if (kind === 'expect') judgeExpectation(value as Record<string, unknown>, EXPECT)
  if (kind === 'expect_answer') judgeExpectation(value as Record<string, unknown>, ANSWER)
}

function judgeExpectation(expected: Record<string, unknown>, members: readonly string[]): void {
  for (const member of Object.keys(expected)) assert.ok(members.includes(member), member)
  for (const corr of [expected['corr_id']].flat()) assert.match(String(corr), /^[0-9a-f]{16}$/)
  for (const bytes of [expected['payload'], expected['body']]) vectorBytes(bytes as Bytes | undefined)
  if (expected['code'] === 0 || expected['code'] === undefined) assert.equal(expected['reason'], undefined)
  else assert.ok(isRefusal(expected['reason'], expected['code']), JSON.stringify(expected))
}

describe('the conversations', () => {
  test('have unique ids', () => {
    assert.equal(new Set(conversations.map(({ id }) => id)).size, conversations.length)
  })

  test('cover every section with rules for a responder', () => {
    const rules = new Set(conversations.map(({ rule }) => rule))
    const wanted =
      '2 3.1 3.2 3.3 3.4 3.5 4 5.1 5.2 5.3 5.5 5.7 5.8 6 6.1 6.2 6.3 7 8.1 8.2 8.3 9.1 10 11 12.1 12.2 12.3 12.4'

    assert.deepEqual(
      wanted.split(' ').filter(rule => !rules.has(rule)),
      []
    )
  })

  for (const { id, rule, about, needs = [], slow_ms, steps } of conversations) {
    test(`${id}: ${about}`, () => {
      assert.match(id, /^[a-z0-9]+(-[a-z0-9]+)*$/)
      assert.match(oap1, new RegExp(`^#{2,3} ${rule.replace('.', '\\.')}\\.? `, 'm'), `no section ${rule}`)
      for (const need of needs) assert.ok(['known', 'stranger', 'zstd'].includes(need), need)
      assert.ok(
        steps.some(step => Object.keys(step).some(member => member.startsWith('expect'))),
        'expects nothing'
      )
      for (const step of steps) judgeStep(step)
      const waits = steps.some(step => Number(step['wait_ms'] ?? step['within_ms'] ?? 0) > 5000)
      assert.equal(slow_ms !== undefined, waits, 'slow_ms goes with a long wait')
    })
  }
})
