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

async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  let text = ''
  for await (const piece of body) text += new TextDecoder().decode(piece)
  return text
}
