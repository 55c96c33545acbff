import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bodyOnce } from './body-once.ts'

const PIECES = [Uint8Array.of(1), Uint8Array.of(2)]

async function* slowly(): AsyncGenerator<Uint8Array> {
  yield* PIECES
}

for (const [kind, source] of [
  ['a generator', () => PIECES.values()],
  ['an asynchronous generator', slowly]
] as const)
  test(`${kind} is spent from its first piece on`, async () => {
    const { body, isSpent } = bodyOnce(source())
    assert.equal(isSpent(), false)

    const first = await all(body!)

    assert.deepEqual(first, PIECES)
    assert.equal(isSpent(), true)
  })

test('a list is never spent, and neither is no body', async () => {
  const { body, isSpent } = bodyOnce(PIECES)

  assert.deepEqual(await all(body!), PIECES)
  assert.deepEqual(await all(body!), PIECES)

  assert.equal(isSpent(), false)
  assert.equal(bodyOnce(undefined).isSpent(), false)
})

async function all(body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<Uint8Array[]> {
  const pieces: Uint8Array[] = []
  for await (const piece of body) pieces.push(piece)
  return pieces
}
