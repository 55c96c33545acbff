import assert from 'node:assert/strict'
import test from 'node:test'
import { client } from './client.ts'
import { ClientSession } from './client-session.ts'
import { FLAG, encodeFrame } from './frame.ts'
import { DEFAULT_LIMITS } from './hello.ts'
import { memoryStreams } from './memory-streams.ts'
import { plainPlatform } from './platform.ts'
import { OpenBudget, bytes, table } from './session-pair.fixture.ts'

const { RESP, START, END } = FLAG

const OPAQUE_ANSWERS: readonly (readonly [what: string, frames: readonly (readonly [number, string])[]])[] = [
  [
    'in the first frame already',
    [
      [RESP | START, 'he'],
      [RESP, 'llo'],
      [RESP | END, '']
    ]
  ],
  [
    'behind an empty first frame',
    [
      [RESP | START, ''],
      [RESP, 'hello'],
      [RESP | END, '']
    ]
  ],
  [
    'in the last frame too',
    [
      [RESP | START, 'he'],
      [RESP | END, 'llo']
    ]
  ],
  ['in one frame', [[RESP | START | END, 'hello']]],
  [
    'without START',
    [
      [RESP, 'he'],
      [RESP | END, 'llo']
    ]
  ]
]

for (const [what, frames] of OPAQUE_ANSWERS) {
  test(`reads every byte of a streamed opaque answer: ${what}`, async () => {
    const [left, right] = memoryStreams()
    const budget = new OpenBudget()
    const limits = () => DEFAULT_LIMITS
    const session = new ClientSession(left, { platform: plainPlatform, budget, limits, isOwn: true })
    const calls = client(table, { shared: () => session, own: () => Promise.resolve(session) })
    const unsent = [...frames]
    right.addEventListener('message', () => {
      for (const [flags, text] of unsent.splice(0))
        right.send(encodeFrame({ flags, app: table.app, corr: 1, payload: bytes(text) }))
    })

    const { body } = await calls.stream({})

    assert.equal(await textOf(body), 'hello')
    assert.equal(budget.held, 0)
  })
}

/** A client whose session takes one call at a time and whose peer answers only when told. */
function oneAtATime() {
  const [left, right] = memoryStreams()
  const limits = () => ({ ...DEFAULT_LIMITS, maxInflight: 1 })
  const budget = new OpenBudget()
  const session = new ClientSession(left, { platform: plainPlatform, budget, limits, isOwn: false })
  const calls = client(table, { shared: () => session, own: () => Promise.resolve(session) })
  const answer = (corr: number): void =>
    void right.send(encodeFrame({ flags: RESP | START | END, app: table.app, corr, payload: bytes('ok') }))
  return { calls, answer }
}

test('a queued call that its caller leaves makes way for the next one', async () => {
  const { calls, answer } = oneAtATime()
  const caller = new AbortController()
  const first = calls.echo({})
  const left = calls.echo({}, { signal: caller.signal })
  const next = calls.echo({})
  caller.abort(new Error('left'))
  await assert.rejects(left, { message: 'left' })

  answer(1)
  await first
  setImmediate(() => answer(2))

  assert.equal(new TextDecoder().decode(await next), 'ok')
})

test('a queued call that cannot be opened makes way for the next one', async () => {
  const { calls, answer } = oneAtATime()
  const first = calls.echo({})
  const tooLarge = assert.rejects(calls.echo({ body: new Uint8Array(2_000_000) }), { code: 'frame_oversize' })
  const next = calls.echo({})

  answer(1)
  await first
  await tooLarge
  setImmediate(() => answer(2))

  assert.equal(new TextDecoder().decode(await next), 'ok')
})

test('a queued call fails at its deadline', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { calls } = oneAtATime()
  const first = calls.echo({}, { deadlineMs: 60_000 })
  const queued = calls.echo({}, { deadlineMs: 500 })

  t.mock.timers.tick(500)

  await assert.rejects(queued, { code: 'deadline' })
  t.mock.timers.tick(60_000)
  await assert.rejects(first, { code: 'deadline' })
})

async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  let text = ''
  for await (const piece of body) text += new TextDecoder().decode(piece)
  return text
}
