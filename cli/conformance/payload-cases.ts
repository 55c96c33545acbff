import type { Conversation, PayloadVector, Step, Vectors } from './vectors.ts'

const CORR = '0000000000000003'

/** Every START payload, JSON object and zstd body as a call of the echo service. */
export function payloadCases({ payloads }: Vectors): Conversation[] {
  return [
    ...payloads.json.map(vector => started(vector, '8.2')),
    ...payloads.start.map(vector => started(vector, '8.1')),
    ...payloads.zstd.map(compressed)
  ]
}

function started(vector: PayloadVector, rule: string): Conversation {
  const send: Step = {
    send: { flags: ['REQ', 'START', 'END'], app: 1, corr_id: CORR, payload: vector.bytes }
  }
  return {
    id: `payload-${vector.name}`,
    rule,
    about: vector.about,
    steps: [send, answerTo(vector), { expect: 'alive' }]
  }
}

function answerTo(vector: PayloadVector): Step {
  if (!vector.accept) return refusal(vector.status, vector.reason)
  const op = (vector.header ?? vector.value)?.['op']
  if (op === 'echo') return { expect_answer: { corr_id: CORR, code: 0, body: vector.body ?? '' } }
  return refusal(typeof op === 'string' ? 404 : 400, 'unknown_operation')
}

const refusal = (code = 400, reason = 'bad_payload'): Step => ({
  expect: { flags: ['RESP', 'END'], app: 1, corr_id: CORR, code, reason }
})

function compressed(vector: PayloadVector): Conversation {
  const payload = { record: { header: { utf8: '{"op":"echo"}' }, body: vector.bytes } }
  const answer: Step = vector.accept
    ? { expect_answer: { corr_id: CORR, code: 0, body: vector.inflated ?? '', inflate: true } }
    : refusal(vector.status, vector.reason)
  return {
    id: `payload-${vector.name}`,
    rule: '10',
    about: vector.about,
    needs: ['zstd'],
    steps: [
      { send: { flags: ['REQ', 'START', 'END', 'COMP'], app: 1, corr_id: CORR, payload } },
      answer,
      { expect: 'alive' }
    ]
  }
}
