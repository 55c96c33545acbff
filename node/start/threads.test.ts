import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { digestOf } from '../ams/envelope.ts'
import { lastBeforeKilled } from '../killed.fixture.ts'
import { entriesOf, hubFolder, linked, startHub, until } from '../links/hubs.fixture.ts'
import type { TestHub } from '../links/hubs.fixture.ts'
import { grant, newShare, row, send, tenantOf, waiting } from '../shares/shares.fixture.ts'

const OPTIONS = { timeout: 300_000 }
const FLAGS = {
  'http.enabled': true,
  'http.listen': '127.0.0.1:0',
  'gateway.rate_limits': false,
  'log.level': 'silent'
}
const KILLED_AFTER = 20
const ADMIN = 'an-admin-token-of-more-than-32-bytes'
const ADMIN_ENV = { AMS_ADMIN_TOKEN: ADMIN }
const TRACE = '0af7651916cd43dd8448eb211c80319c'

const envelope = (n: number, more: object = {}) => ({
  id: `e${n}`,
  created_at: '2026-01-02T03:04:05.678Z',
  type: 'note',
  thread: 't_a',
  from: 'ann',
  to: 'bob',
  payload: { n },
  ...more
})

test(
  'an envelope of a federated thread is at the other hub with the same id and digest, once, and in both audit logs',
  OPTIONS,
  async t => {
    const { a, b, dataB, again } = await twoHubs(t, { 'gateway.prove': true })
    const first = await post(a, envelope(1))
    const [proof, ...others] = (await here(b, 'e1')).proofs
    const proved = first.body.envelope.proofs.map(({ key, sig }) => [key, sig])
    assert.deepEqual([[[proof!.key, proof!.sig]], others], [proved, []])
    await b.node.stop()
    for (const n of [2, 3]) await post(a, envelope(n))
    await post(a, envelope(4, { thread: 'not a topic' }))

    const back = await again(dataB)
    await here(back, 'e3')
    const posted = await post(back, envelope(1))
    await post(back, envelope(5))
    await here(a, 'e5')

    assert.deepEqual([first.status, posted.status], [201, 200])
    const [atA, atB] = [await listed(a), await listed(back)]
    assert.deepEqual(ids(atB), ['e1', 'e2', 'e3', 'e5'])
    assert.deepEqual(ids(atA), ['e1', 'e2', 'e3', 'e4', 'e5'])
    for (const { id, sha256, record, status } of atB) {
      assert.equal(sha256, atA.find(one => one.id === id)!.sha256)
      assert.deepEqual([status, record.by], ['accepted', 'hub'])
    }
    for (const hub of [a, back]) {
      const created = await entriesOf(hub, 'ams.envelope.created')
      for (const { sha256 } of atB)
        assert.equal(created.filter(data => data['sha256'] === sha256).length, 1, `${sha256} at ${hub.id}`)
    }
    // Nothing of it went back, and nothing lies in a mailbox.
    assert.equal((await metric(back, 'shares_sent_total')) + (await metric(a, 'shares_sent_total')), 4)
    assert.deepEqual([await waiting(a, 'ams/t_a'), await waiting(back, 'ams/t_a')], [0, 0])
  }
)

test(
  'what another hub sends to a thread and is none of its envelopes is refused and named, and what was here stays',
  OPTIONS,
  async t => {
    const { a: without, b } = await twoHubs(t, { 'gateway.enabled': false })
    const own = await post(b, envelope(1, { thread: 'not a topic' }))
    const changed = { envelope: envelope(2), proofs: [], sha256: digestOf(envelope(3)) }
    await send(without, 'ams/t_a', JSON.stringify(changed))
    await without.node.stop()
    const a = await startHub(t, { data: without.data, flags: FLAGS })
    await linked(a, b)
    await post(a, envelope(1))
    await post(a, envelope(4))
    await here(b, 'e4')

    const codes = await until(async () => {
      const all = await entriesOf(b, 'share_refused')
      // What comes before the keys of a hub do is refused, and asked for again.
      const refused = all.filter(({ code }) => code !== 'key')
      return refused.length > 1 && refused.map(({ hub, code }) => [hub, code])
    }, 'what was refused in the audit log')
    assert.deepEqual(codes, [
      [a.id, 'envelope'],
      [a.id, 'envelope_conflict']
    ])
    assert.deepEqual(ids(await listed(b)), ['e1', 'e4'])
    assert.equal((await here(b, 'e1')).sha256, own.body.envelope.sha256)
    assert.notEqual((await here(a, 'e1')).sha256, own.body.envelope.sha256)
  }
)

test(
  'an envelope that was answered with 201 reaches the other hub, though its own was killed right after',
  OPTIONS,
  async t => {
    const { a, b } = await twoHubs(t)
    await post(a, envelope(0))
    await here(b, 'e0')
    await a.node.stop()

    const last = await lastBeforeKilled(posting(a.data), KILLED_AFTER)
    const back = await startHub(t, { data: a.data, flags: FLAGS })
    await linked(back, b)
    for (let n = 0; n <= last; n++)
      assert.equal((await here(b, `e${n}`)).sha256, digestOf(envelope(n)), `e${n}`)

    const got = ids(await listed(b))
    assert.equal(new Set(got).size, got.length)
  }
)

test(
  'nobody sends to a thread past what judges envelopes: by OAP, as a batch, nor by HTTP',
  OPTIONS,
  async t => {
    const a = await startHub(t, { data: hubFolder(t), flags: FLAGS })
    const [topic, tenant] = ['ams/t_a', tenantOf(a)]
    const wayOut = {
      code: 'bad_request',
      message: /^topic: ams\/t_a is a thread .*POST \/ams\/v1\/envelopes$/
    }

    await assert.rejects(send(a, topic, '{}'), wayOut)
    const batch = { items: [{ topic: 'orders/a' }, { topic, body: Buffer.from('{}') }] }
    await assert.rejects(a.operator.mailbox.send_batch(batch, { tenant }), wayOut)
    const answer = await fetch(urlOf(a, `/mailbox/v1/send?topic=${topic}`), { method: 'POST', body: '{}' })

    assert.equal(answer.status, 400)
    assert.match(((await answer.json()) as { readonly message: string }).message, wayOut.message)
    assert.deepEqual([await waiting(a, topic), await waiting(a, 'orders/a')], [0, 0])
    await send(a, 'amsterdam/a', 'not a thread')
  }
)

test(
  'a hub that was away gets nothing of what was redacted meanwhile, though the other was killed at it, and all else',
  OPTIONS,
  async t => {
    const { a, b, dataA } = await twoHubs(t)
    await b.node.stop()
    for (let n = 1; n <= 5; n++) await post(a, envelope(n))
    await until(async () => (await metric(a, 'shares_sent_total')) === 5, 'all have their numbers')
    await a.node.stop()

    const killed = spawnSync(process.execPath, ['--input-type=module', '-e', redacting(dataA)], {
      stdio: ['ignore', 'ignore', 'inherit']
    })
    assert.equal(killed.signal, 'SIGKILL')
    const options = { overrides: { loopDelay: { tick() {}, take: () => 0 }, env: ADMIN_ENV } }
    const back = await startHub(t, { data: dataA, flags: FLAGS, options })
    await until(
      async () => (await metric(back, 'ams_threads_withdrawn_total')) === 1,
      'what was cut off is done'
    )
    const headers = { 'content-type': 'application/json', 'x-ams-token': ADMIN }
    const body = JSON.stringify({ id: 'e4' })
    await until(async () => {
      const answer = await fetch(urlOf(back, '/admin/v1/redact'), { method: 'POST', headers, body })
      return answer.status === 200
    }, 'e4 is redacted')
    const there = await startHub(t, { data: b.data, flags: FLAGS })
    await back.operator.federation.peer_edit({ hub: there.id, addresses: [there.address] })
    await linked(back, there)
    await here(there, 'e5')
    await post(back, envelope(6))
    await here(there, 'e6')

    assert.deepEqual(ids(await listed(there)), ['e1', 'e3', 'e5', 'e6'])
    const gap = await until(async () => {
      const row = await there.operator.federation.peer_show({ hub: back.id })
      return row.lag === 0 && { is: row.gap }
    }, 'nothing is behind')
    assert.equal(gap.is, 0)
  }
)

/** Two hubs that share the threads that begin with `t_`, from the first to the second and back; the first dials. */
async function twoHubs(t: TestContext, more: object = {}) {
  const [dataA, dataB] = [hubFolder(t), hubFolder(t)]
  const a = await startHub(t, { data: dataA, flags: { ...FLAGS, ...more } })
  const b = await startHub(t, { data: dataB, flags: FLAGS })
  const share = newShare()
  const rowOf = (hub: TestHub) => row(share, tenantOf(hub), 'both', ['ams/**'])
  await grant(b, a, [rowOf(b)])
  await grant(a, b, [rowOf(a)], { dials: true })
  await linked(a, b)
  const again = async (data: string): Promise<TestHub> => {
    const back = await startHub(t, { data, flags: FLAGS })
    await a.operator.federation.peer_edit({ hub: back.id, addresses: [back.address] })
    await linked(a, back)
    return back
  }
  return { a, b, dataA, dataB, again }
}

interface Listed {
  readonly id: string
  readonly sha256: string
  readonly status: string
  readonly record: { readonly by: string }
  readonly proofs: readonly { readonly key: string; readonly sig: string }[]
}

const ids = (items: readonly Listed[]): string[] => items.map(({ id }) => id).sort()

const urlOf = ({ node }: TestHub, path: string): string => `${node.status().http}${path}`

/** Posted as soon as a node that others keep busy takes it. */
async function post(hub: TestHub, body: object) {
  const headers = { 'content-type': 'application/json', traceparent: `00-${TRACE}-b7ad6b7169203331-01` }
  const asked = { method: 'POST', headers, body: JSON.stringify(body) }
  return await until(async () => {
    const answer = await fetch(urlOf(hub, '/ams/v1/envelopes'), asked)
    if (answer.status === 503) return undefined
    assert.ok(answer.ok, await answer.clone().text())
    return { status: answer.status, body: (await answer.json()) as { readonly envelope: Listed } }
  }, 'an answer that is not 503')
}

/** An envelope of a hub, as soon as it is there. */
async function here(hub: TestHub, id: string): Promise<Listed> {
  return await until(async () => {
    const answer = await fetch(urlOf(hub, `/ams/v1/envelopes/${id}`))
    const { envelope: found } = (await answer.json()) as { readonly envelope?: Listed }
    return found
  }, `${id} at ${hub.id}`)
}

async function listed(hub: TestHub): Promise<readonly Listed[]> {
  return await until(async () => {
    const answer = await fetch(urlOf(hub, '/ams/v1/envelopes?limit=200'))
    const { items } = (await answer.json()) as { readonly items?: readonly Listed[] }
    return answer.status !== 503 && items
  }, 'an answer that is not 503')
}

async function metric(hub: TestHub, name: string): Promise<number> {
  const text = await (await fetch(urlOf(hub, '/metrics'))).text()
  return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)![1])
}

const module = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href)

/** Posts envelopes from number 1 on, and tells the number of each once it is answered with 201. */
const posting = (data: string): string => `
  import { loadConfig } from ${module('../config/index.ts')}
  import { createNode } from ${module('../node.ts')}
  const flags = { ...${JSON.stringify(FLAGS)}, 'node.listen': ['/ip4/127.0.0.1/tcp/0'], 'log.level': 'silent',
    'limits.maxDelayMs': 3600000, 'strangers.loopbackIsKnown': false }
  const overrides = { loopDelay: { tick() {}, take: () => 0 } }
  const node = createNode(loadConfig({ flags }).config, { data: ${JSON.stringify(data)}, overrides })
  await node.start()
  const url = node.status().http + '/ams/v1/envelopes'
  const headers = { 'content-type': 'application/json' }
  const envelope = ${envelope.toString()}
  for (let n = 1; ; n++) {
    const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(envelope(n)) })
    if (answer.status === 503) n--
    else if (answer.status !== 201) throw new Error(answer.status + ' ' + (await answer.text()))
    else console.log(n)
  }
`

/** Redacts e2, and is killed once it is gone here and before it is withdrawn from other hubs. */
const redacting = (data: string): string => `
  import { loadConfig } from ${module('../config/index.ts')}
  import { createNode } from ${module('../node.ts')}
  import { Shares } from ${module('../shares/index.ts')}
  Shares.prototype.withdraw = async () => process.kill(process.pid, 'SIGKILL')
  const flags = { ...${JSON.stringify(FLAGS)}, 'node.listen': ['/ip4/127.0.0.1/tcp/0'], 'limits.maxDelayMs': 3600000 }
  const overrides = { loopDelay: { tick() {}, take: () => 0 }, env: ${JSON.stringify(ADMIN_ENV)} }
  const node = createNode(loadConfig({ flags }).config, { data: ${JSON.stringify(data)}, overrides })
  await node.start()
  const headers = { 'content-type': 'application/json', 'x-ams-token': ${JSON.stringify(ADMIN)} }
  for (;;) {
    const body = JSON.stringify({ id: 'e2' })
    const answer = await fetch(node.status().http + '/admin/v1/redact', { method: 'POST', headers, body })
    if (answer.status !== 503) throw new Error(answer.status + ' ' + (await answer.text()))
  }
`
