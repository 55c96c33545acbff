import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { OapError } from '../../protocols/index.ts'
import { formatHubFile, hubFileOf, openKeys, succeedHub } from '../identity/index.ts'
import { generateMinisign } from '../minisign.ts'
import { allow, echo, entriesOf, linkTo, linked, startHub, until } from './hubs.fixture.ts'
import type { TestHub } from './hubs.fixture.ts'

const refusal = (call: Promise<unknown>): Promise<readonly unknown[]> =>
  call.then(
    () => ['none'],
    (error: unknown) => (error instanceof OapError ? [error.code, error.reason] : [String(error)])
  )

/** Stops a hub, has it go on under a new hub key, and starts it again where it was. */
async function goOn(
  t: Parameters<typeof startHub>[0],
  { node, operator, data, address }: TestHub
): Promise<TestHub> {
  await operator[Symbol.asyncDispose]()
  await node.stop()
  {
    await using keys = await openKeys(data, { nowMs: Date.now() })
    await succeedHub(keys, { next: generateMinisign(), isKept: true })
  }
  const port = /tcp\/(\d+)/.exec(address)![1]
  return startHub(t, { data, flags: { 'node.listen': [`/ip4/127.0.0.1/tcp/${port}`] } })
}

describe('a hub that goes on under another key', { timeout: 240_000 }, () => {
  test('is refused until the operator of its peer confirms, and then links under the treaty that it had', async t => {
    const [a, b] = [await startHub(t), await startHub(t)]
    await allow(a, b)
    await linked(a, b)

    const next = await goOn(t, b)

    assert.notEqual(next.id, b.id)
    assert.equal(next.peer, b.peer)
    const refused = await until(
      async () => (await entriesOf(a, 'handshake_refused')).find(({ code }) => code === 'other_hub'),
      'a refused handshake'
    )
    assert.equal(refused['hub'], b.id)
    const body = Buffer.from(formatHubFile(await hubFileOf(next.data, Date.now())))
    assert.equal((await a.operator.federation.peer_import({ body })).follows, b.id)
    assert.equal((await linkTo(a, b)).successor, next.id)
    assert.deepEqual(await refusal(linkTo(a, next)), ['not_found', undefined])

    await a.operator.federation.peer_succeed({ successor: next.id })

    await linked(a, next)
    assert.equal(await echo(a, next, 'to the next'), 'to the next')
    assert.equal(await echo(next, a, 'from the next'), 'from the next')
    assert.deepEqual(await refusal(linkTo(a, b)), ['not_found', undefined])
    const { change, successor } = (await entriesOf(a, 'peer')).at(-1)!
    assert.deepEqual([change, successor], ['succeed', next.id])
  })
})
