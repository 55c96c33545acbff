import assert from 'node:assert/strict'
import test from 'node:test'
import { decodeFrame, vectorFrame } from '../../specs/index.ts'
import type { DecodedFrame, VectorFrame } from '../../specs/index.ts'
import { answerFault, frameFault } from './judge.ts'

const CORR = '000000000000002a'
const REFUSAL = {
  code: 'saturated',
  message: 'too many calls are in flight',
  retryable: true,
  corr_id: CORR,
  retry_after_ms: 1000
}
const EXPECTED = { flags: ['RESP', 'END'], code: 503, reason: 'saturated' }

test('takes an error answer with all its members', () => {
  assert.equal(frameFault(refusal({}), EXPECTED), undefined)
})

const WRONG_MEMBERS: readonly Record<string, unknown>[] = [
  { code: 'not_ready' },
  { message: 'two\nlines' },
  { message: 'x'.repeat(1025) },
  { message: undefined },
  { retryable: false },
  { corr_id: '2a' },
  { retry_after_ms: 999 },
  { retry_after_ms: 5001 },
  { retry_after_ms: 1000.5 },
  { retry_after_ms: undefined }
]

for (const wrong of WRONG_MEMBERS) {
  const [[name, value] = []] = Object.entries(wrong)
  test(`refuses an error answer with ${name} ${JSON.stringify(value)?.slice(0, 20)}`, () => {
    assert.notEqual(frameFault(refusal(wrong), EXPECTED), undefined)
  })
}

test('refuses an error answer with START', () => {
  assert.notEqual(frameFault(refusal({}, ['RESP', 'START', 'END']), EXPECTED), undefined)
})

test('refuses a time to come back in an error that has none', () => {
  const wrong = refusal({ code: 'unknown_app', retryable: false }, ['RESP', 'END'], 404)

  assert.match(frameFault(wrong, { code: 404, reason: 'unknown_app' }) ?? '', /retry_after_ms/)
})

const ANSWER = { corr_id: CORR, code: 0, body: '0102', max_payload: 1, all_flags: ['APP_E2E'] }
const CHUNKS: readonly VectorFrame[] = [
  { flags: ['RESP', 'START', 'APP_E2E'], corr_id: CORR, payload: '01' },
  { flags: ['RESP', 'END', 'APP_E2E'], corr_id: CORR, payload: '02' }
]

test('takes an answer in chunks', () => {
  assert.equal(answerFault(CHUNKS.map(decoded), ANSWER), undefined)
})

const OTHER_ANSWERS: readonly [string, readonly VectorFrame[]][] = [
  ['no frame', []],
  ['another body', [CHUNKS[0]!, { ...CHUNKS[1]!, payload: '03' }]],
  ['a chunk that is too long', [{ ...CHUNKS[1]!, payload: '0102' }]],
  ['a chunk without a flag that it must have', [CHUNKS[0]!, { ...CHUNKS[1]!, flags: ['RESP', 'END'] }]],
  ['an error', [CHUNKS[0]!, { flags: ['RESP', 'END'], corr_id: CORR, code: 500 }]]
]

for (const [name, frames] of OTHER_ANSWERS) {
  test(`refuses an answer of ${name}`, () => {
    assert.notEqual(answerFault(frames.map(decoded), ANSWER), undefined)
  })
}

test('refuses events in another order', () => {
  const events = [1, 0].map(n =>
    decoded({ flags: ['EVENT'], corr_id: CORR, payload: { utf8: `{"n":${n}}` } })
  )
  const end = decoded({ flags: ['RESP', 'END'], corr_id: CORR })

  assert.match(
    answerFault([...events, end], { corr_id: CORR, code: 0, events: [{ n: 0 }, { n: 1 }] }) ?? '',
    /events/
  )
})

function refusal(
  members: Record<string, unknown>,
  flags: readonly string[] = EXPECTED.flags,
  code = 503
): DecodedFrame {
  const { retry_after_ms, ...rest } = REFUSAL
  const error = { ...rest, ...(code === 503 ? { retry_after_ms } : { retry_after_ms: 1000 }), ...members }
  return decoded({ flags, code, corr_id: CORR, payload: { utf8: JSON.stringify(error) } })
}

function decoded(frame: VectorFrame): DecodedFrame {
  const result = decodeFrame(vectorFrame(frame))
  assert.equal(result.outcome, 'frame')
  return result.frame
}
