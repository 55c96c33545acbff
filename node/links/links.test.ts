import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { OapError } from '../../protocols/index.ts'
import { allow, echo, linkTo, linked, startHub, until } from './hubs.fixture.ts'

const refusal = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'none',
    (error: unknown) => (error as OapError).code
  )

describe('two hubs', { timeout: 240_000 }, () => {
  test('link by an invite whose fingerprint both operators confirm, and call each other under the treaty', async t => {
    const [a, b] = [await startHub(t), await startHub(t)]

    const { code } = await a.operator.links.pair_invite({})
    const accepted = await b.operator.links.pair_accept({ code })
    const { invite, waiting } = await a.operator.links.pair_state({})

    assert.equal(invite, 'paired')
    assert.deepEqual(
      waiting.map(({ hub, fingerprint, is_inviter }) => [hub, fingerprint, is_inviter]),
      [[b.id, accepted.fingerprint, true]]
    )
    assert.equal(accepted.hub, a.id)
    await a.operator.links.pair_confirm({ hub: b.id, fingerprint: accepted.fingerprint })
    await b.operator.links.pair_confirm({ hub: a.id, fingerprint: accepted.fingerprint })
    await linked(a, b)
    assert.equal(await echo(a, b, 'from a'), 'from a')
    assert.equal(await echo(b, a, 'from b'), 'from b')
  })

  test('link when each is on the list of the other', async t => {
    const [a, b] = [await startHub(t), await startHub(t)]
    await allow(a, b)

    await linked(a, b)

    assert.equal(await echo(b, a, 'the dialled side calls'), 'the dialled side calls')
    assert.equal((await a.operator.federation.federation_status({})).up, 1)
    await a.operator.federation.peer_remove({ hub: b.id })
    await until(async () => (await linkTo(b, a)).link !== 'up', 'the end of the link')
    assert.equal(await refusal(echo(b, a, 'x')), 'no_link')
  })
})
