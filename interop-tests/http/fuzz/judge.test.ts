import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asking } from './asking.ts'
import { wrongWith } from './judge.ts'
import type { Answer } from './judge.ts'
import { operationsOf } from './operations.ts'

const ASKED = { method: 'POST', statuses: [200] }
const problem = (members: object = {}): string =>
  JSON.stringify({ ok: false, error: 'not_found', message: 'nothing is here', request_id: 'r1', ...members })

function answer(status: number, body = problem(), headers: Answer['headers'] = {}): Answer {
  const always = {
    'content-type': 'application/json',
    'x-request-id': 'r1',
    'x-content-type-options': 'nosniff'
  }
  return { status, headers: { ...always, ...headers }, body: Buffer.from(body), tookMs: 1 }
}

test('what a hub may answer is right', () => {
  const again = { 'retry-after': '1' }
  for (const right of [
    answer(200, '{}'),
    answer(404),
    answer(429, problem(), again),
    answer(503, problem(), again)
  ])
    assert.equal(wrongWith(ASKED, right), undefined)
  const late = answer(504, problem({ error: 'deadline' }))
  assert.equal(wrongWith({ ...ASKED, hasDeadline: true }, late), undefined)
  assert.equal(wrongWith({ method: 'HEAD', statuses: [200] }, answer(404, '')), undefined)
})

const WRONG: readonly (readonly [string, Answer])[] = [
  ['an internal failure', answer(500)],
  ['a gateway', answer(502)],
  ['a deadline that nobody set', answer(504, problem({ error: 'deadline' }))],
  ['a refusal without a time', answer(503)],
  ['a rate without a time', answer(429, problem(), { 'retry-after': '0' })],
  ['no Allow', answer(405)],
  ['no challenge', answer(401)],
  ['a refusal of another form', answer(404, '{"code":"x"}')],
  ['a refusal without a message', answer(404, problem({ message: '' }))],
  ['a refusal that is a page', answer(404, problem(), { 'content-type': 'text/html' })],
  ['a refusal of another request', answer(404, problem({ request_id: 'r2' }))],
  [
    'a stack',
    answer(400, problem({ message: 'Error: x\n    at f (node:internal/x:1:1)' }).replace('\\n', '\n'))
  ],
  ['a success that nobody told of', answer(201, '{}')],
  ['a page', answer(200, '<p>', { 'content-type': 'image/svg+xml' })],
  ['no rule for browsers', answer(200, '{}', { 'x-content-type-options': undefined })],
  ['an answer that took a minute', { ...answer(200, '{}'), tookMs: 61_000 }]
]

for (const [what, wrong] of WRONG)
  test(`${what} is wrong`, () => assert.notEqual(wrongWith(ASKED, wrong), undefined))

test('the same seed asks the same, another asks something else, and both ask well and wrongly', () => {
  const [operation] = operationsOf({
    paths: {
      '/ams/v1/envelopes/{id}': {
        patch: {
          parameters: [{ name: 'limit', in: 'query', schema: { minimum: 1, maximum: 200 } }],
          requestBody: { description: 'At most 1000 bytes.', content: { 'application/json': {} } },
          responses: { 200: {}, default: {} }
        }
      }
    }
  })
  const drawn = (seed: number) => Array.from({ length: 200 }, (_, n) => asking(operation!, seed, n))

  assert.deepEqual(drawn(1), drawn(1))
  assert.notDeepEqual(drawn(1), drawn(2))
  assert.deepEqual([operation!.takes, operation!.maxBodyBytes, operation!.statuses], ['json', 1000, [200]])
  const targets = new Set(drawn(1).map(({ target }) => target.split('?')[0]))
  assert.ok(targets.has('/ams/v1/envelopes/order-1') && targets.size > 10)
})
