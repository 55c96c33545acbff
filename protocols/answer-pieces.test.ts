import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serviceDirectory } from './service.ts'
import type { Parts } from './service.ts'
import { OpenConnection, pair, table } from './session-pair.fixture.ts'

const CHUNK = 65_536

/** What a session does not read where there are chunks. */
const unread: AsyncIterable<Uint8Array> = { [Symbol.asyncIterator]: () => assert.fail('there are chunks') }

/** The frames in which the pieces of a body arrive where none may have more than `maxFrameBytes`. */
async function frames(pieces: readonly Parts[], maxFrameBytes = 1_048_576): Promise<Buffer[]> {
  const connection = new OpenConnection()
  connection.limits = { maxFrameBytes, maxInflight: 64 }
  async function* chunks(): AsyncGenerator<Parts> {
    yield* pieces
  }
  const stream = () => ({ head: undefined, body: unread, chunks: chunks() })
  const others = Object.fromEntries(Object.keys(table.operations).map(op => [op, () => undefined]))
  const services = serviceDirectory([{ table, handlers: { ...others, stream } as never }])
  const { calls } = pair({ services, connection }, true)
  const answer = await calls.stream({})
  const all: Buffer[] = []
  for await (const piece of answer.body) all.push(Buffer.from(piece))
  return all
}

const filled = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value)

test('a piece in two parts is one frame, its head before its body', async () => {
  const got = await frames([
    { head: filled(8, 1), body: filled(CHUNK - 8, 2) },
    { head: filled(5, 3), body: filled(0, 0) },
    { head: filled(0, 0), body: filled(0, 0) },
    { head: filled(0, 0), body: filled(3, 4) }
  ])

  assert.deepEqual(
    got.map(({ length }) => length),
    [CHUNK, 5, 3]
  )
  assert.ok(
    Buffer.concat(got).equals(Buffer.concat([filled(8, 1), filled(CHUNK - 8, 2), filled(5, 3), filled(3, 4)]))
  )
})

for (const [head, body, maxFrameBytes] of [
  [8, CHUNK, 1_048_576],
  [CHUNK, 1, 1_048_576],
  [CHUNK + 1, CHUNK, 1_048_576],
  [8, 20_000, 4096],
  [9000, 100, 4096]
] as const) {
  test(`a head of ${head} and a body of ${body} bytes are cut where frames have at most ${maxFrameBytes}`, async () => {
    const piece = { head: filled(head, 1), body: filled(body, 2) }

    const got = await frames([piece], maxFrameBytes)

    const most = Math.min(CHUNK, maxFrameBytes - 33)
    assert.ok(Buffer.concat(got).equals(Buffer.concat([piece.head, piece.body])))
    assert.ok(
      got.every(({ length }) => length > 0 && length <= most),
      `${got.map(({ length }) => length).join()}`
    )
  })
}
