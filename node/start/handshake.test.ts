import assert from 'node:assert/strict'
import { test } from 'node:test'
import { allow, entriesOf, linked, startHub, until } from '../links/hubs.fixture.ts'
import type { TestHub } from '../links/hubs.fixture.ts'
import { grant } from '../shares/shares.fixture.ts'

const ADMIN = 'admin-token-of-at-least-32-bytes-1'
const FLAGS = { 'http.enabled': true, 'http.listen': '127.0.0.1:0', 'gateway.rate_limits': false }
const ALL = { signature: true, allowlisted: true, freshness: true }
// Where a machine is busy, its steps can take too long.
const NO_LINK = ['turned_away', 'stalled', 'unreachable']
const STRANGER = `h1${'a'.repeat(52)}`
// Nodes read it when they start; each test file is a process of its own.
process.env['AMS_ADMIN_TOKEN'] = ADMIN

test(
  'hubs are asked over HTTP to prove themselves, and what each showed is told and recorded',
  { timeout: 300_000 },
  async t => {
    const [a, b, c] = [await startHub(t, { flags: FLAGS }), await startHub(t), await startHub(t)]
    const nowhere = '/ip4/127.0.0.1/tcp/1'
    await allow(a, b)
    await linked(a, b)
    // It does not know this hub, so it turns it away.
    await grant(a, c, [], { dials: true })

    const targets = [b.id, b.address, c.id, STRANGER, nowhere]
    // All of them have 15 s together: where a machine is busy, that can be too little.
    let times = 0
    const { status, body } = await until(
      async () => {
        times++
        const answer = await ask(a, { targets })
        return answer.body.items.slice(0, 2).every(({ error }) => error === undefined) && answer
      },
      'a request within which the hub that is linked proves itself',
      200_000
    )
    const { body: known } = await ask(a)

    assert.equal(status, 200, JSON.stringify(body))
    const [first, second, third, stranger, address] = body.items
    assert.deepEqual([first!.verified, second!.verified], [ALL, ALL])
    assert.deepEqual([first!.hub, second!.hub, first!.linked], [b.id, b.id, true])
    const refused = { signature: false, allowlisted: true, freshness: false }
    assert.deepEqual(third!.verified, refused)
    assert.ok(NO_LINK.includes(third!.error!), third!.error)
    for (const one of [stranger, address])
      assert.deepEqual(
        [one!.verified, one!.error, one!.linked],
        [{ signature: false, allowlisted: false, freshness: false }, 'not_allowlisted', false]
      )
    const recorded = await entriesOf(a, 'federation.handshake')
    assert.equal(recorded.length, times * targets.length)
    assert.deepEqual(
      sorted(recorded.slice(-targets.length).map(({ hub, signature, error }) => [hub, signature, error])),
      sorted([
        [b.id, true, undefined],
        [b.id, true, undefined],
        [c.id, false, third!.error],
        [undefined, false, 'not_allowlisted'],
        [undefined, false, 'not_allowlisted']
      ])
    )
    assert.deepEqual(
      sorted(known.items.map(({ hub, link }) => [hub, link === 'up'])),
      sorted([
        [b.id, true],
        [c.id, false]
      ])
    )
  }
)

test('who may not ask is told so, and so is who asks wrongly', { timeout: 300_000 }, async t => {
  const a = await startHub(t, { flags: FLAGS })
  const many = Array.from({ length: 17 }, (_, n) => `/ip4/127.0.0.1/tcp/${n + 1}`)
  const wrong = [
    {},
    { targets: [] },
    { targets: many },
    { targets: ['x'] },
    { targets: [1] },
    { targets: [STRANGER, STRANGER] }
  ]

  const anonymous = await ask(a, { targets: [STRANGER] }, {})
  const answers = []
  for (const body of wrong) answers.push(await ask(a, body))

  assert.ok([401, 403].includes(anonymous.status))
  assert.deepEqual(
    answers.map(({ status }) => status),
    wrong.map(() => 400)
  )
  assert.deepEqual(await entriesOf(a, 'federation.handshake'), [])
})

const sorted = (rows: readonly unknown[]): readonly string[] =>
  rows.map(row => JSON.stringify(row)).sort((a, b) => (a < b ? -1 : 1))

interface Answered {
  readonly items: readonly {
    readonly hub?: string
    readonly link?: string
    readonly linked: boolean
    readonly verified: object
    readonly error?: string
  }[]
}

/** As soon as a node that others keep busy takes it. */
async function ask({ node }: TestHub, body?: object, headers: object = { authorization: `Bearer ${ADMIN}` }) {
  const json = { 'content-type': 'application/json', ...headers }
  const asked =
    body === undefined ? { headers: json } : { method: 'POST', headers: json, body: JSON.stringify(body) }
  return await until(async () => {
    const answer = await fetch(`${node.status().http}/federation/v1/handshake`, asked)
    return answer.status !== 503 && { status: answer.status, body: (await answer.json()) as Answered }
  }, 'an answer that is not 503')
}
