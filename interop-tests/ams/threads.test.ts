import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Hub } from '../links/hub.ts'

const OPTIONS = { timeout: 300_000 }
const WITHIN_MS = 60_000
const ADMIN = 'admin-token-of-at-least-32-bytes-1'
const ENV = {
  OMNIGATE_HTTP__ENABLED: 'true',
  OMNIGATE_HTTP__LISTEN: '127.0.0.1:0',
  OMNIGATE_GATEWAY__RATE_LIMITS: 'false',
  // Whoever waits for a machine that does much else is not refused.
  OMNIGATE_LIMITS__MAX_DELAY_MS: '60000',
  AMS_ADMIN_TOKEN: ADMIN
}
const HEADERS = { 'content-type': 'application/json', 'x-ams-token': ADMIN }
const SHARE = '5a'.repeat(16)
/** Of bodies beyond it the second hub leaves the decision to its operator. */
const LARGE_BYTES = 4096
const POLICY = {
  policy: 1,
  version: 7,
  max_bytes: 1_048_576,
  accept_from: 0,
  reject_to: -20,
  rules: {
    known_type: { weight: 10, types: ['mailbox.message'] },
    large_body: { weight: -15, over: LARGE_BYTES }
  }
}

const started = new AsyncDisposableStack()
let [a, b] = [] as unknown as [Hub, Hub]

before(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'omnigate-threads-'))
  started.defer(() => rm(folder, { recursive: true, force: true }))
  const policy = join(folder, 'policy.json')
  await writeFile(policy, JSON.stringify(POLICY))
  ;[a, b] = await Promise.all([
    Hub.start({ env: ENV }),
    Hub.start({ env: { ...ENV, OMNIGATE_FEDERATION__POLICY: policy } })
  ])
  started.use(a)
  started.use(b)
  await federate(b, a)
  await federate(a, b, '--address', b.address)
  await a.link(b, 'up')
}, OPTIONS)

after(() => started.disposeAsync())

test(
  'an envelope is at the hub in another process with the same id and digest, and the trace of its request in both logs',
  OPTIONS,
  async () => {
    const trace = '0af7651916cd43dd8448eb211c80319c'
    const posted = await post(envelope('e1', 'hello'), `00-${trace}-b7ad6b7169203331-01`)
    const { id, sha256, status, proofs } = await here('e1')

    assert.deepEqual({ id, sha256, status }, { id: 'e1', sha256: posted.sha256, status: 'accepted' })
    assert.deepEqual(proofs, posted.proofs)
    for (const hub of [a, b]) {
      const traces = (await created(hub, sha256)).map(entry => entry.trace_id)
      assert.deepEqual(traces, [trace], `in the audit log of ${hub.id}`)
    }
    const shared = await logged(a, 'EnvelopeShared', sha256)
    const taken = await logged(b, 'EnvelopeTaken', sha256)
    assert.deepEqual([shared['trace_id'], taken['trace_id'], taken['hub']], [trace, trace, a.id])
  }
)

test('a traceparent that is none goes nowhere, and the envelope is there all the same', OPTIONS, async () => {
  const posted = await post(envelope('e2', 'hello'), `00-${'0'.repeat(32)}-b7ad6b7169203331-01`)

  assert.equal((await here('e2')).sha256, posted.sha256)
  assert.equal((await logged(b, 'EnvelopeTaken', posted.sha256))['trace_id'], undefined)
})

test(
  'what the policy of the other hub keeps back is no envelope there before its operator releases it',
  OPTIONS,
  async () => {
    const posted = await post(envelope('e3', 'x'.repeat(2 * LARGE_BYTES)))
    const behind = await post(envelope('e4', 'behind it'))
    assert.equal((await here('e4')).sha256, behind.sha256)
    const { items } = (await b.says('federation', 'quarantine', 'list')) as {
      readonly items: readonly { readonly id: string; readonly origin: string }[]
    }
    assert.deepEqual(
      items.map(({ origin }) => origin),
      [a.id]
    )
    assert.equal(await found(b, 'e3'), undefined)
    assert.equal((await created(b, posted.sha256)).length, 0)

    await b.says('federation', 'quarantine', 'release', items[0]!.id)

    assert.equal((await here('e3')).sha256, posted.sha256)
    for (const hub of [a, b]) assert.equal((await created(hub, posted.sha256)).length, 1)
  }
)

test(
  'a message that is sent over HTTP is received at the hub in another process with the trace of its request',
  OPTIONS,
  async () => {
    const traceparent = '00-1af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const call = async (hub: Hub, op: string, body: object, more: object = {}) => {
      const asked = { method: 'POST', headers: { ...HEADERS, ...more }, body: JSON.stringify(body) }
      const answer = await fetch(`${hub.http}/mailbox/v1/${op}`, asked)
      assert.equal(answer.status, 200, await answer.clone().text())
      return (await answer.json()) as { readonly items?: readonly { readonly attrs?: object }[] }
    }
    const topic = 'orders/a'

    await call(a, 'send', { topic, body: 'one', attrs: { kind: 'order' } }, { traceparent })

    const { items } = await call(b, 'recv', { topic, wait_ms: 30_000 })
    assert.deepEqual(
      items!.map(({ attrs }) => attrs),
      [{ kind: 'order', traceparent }]
    )
  }
)

interface Shown {
  readonly id: string
  readonly sha256: string
  readonly status: string
  readonly proofs: readonly object[]
}

const envelope = (id: string, text: string): object => ({
  id,
  created_at: '2026-01-02T03:04:05.678Z',
  type: 'note',
  thread: 't_a',
  from: 'ann',
  to: 'bob',
  payload: { text }
})

/** Puts the other hub on the allowlist, with all threads and orders of the default tenant in one share. */
async function federate(here: Hub, there: Hub, ...address: readonly string[]): Promise<void> {
  const { tenants } = (await here.says('tenant', 'list')) as {
    readonly tenants: readonly { readonly id: string; readonly name: string }[]
  }
  const tenant = tenants.find(({ name }) => name === 'default')!.id
  const rows = [
    { share: { id: SHARE, name: 'threads' }, dir: 'both', tenant, topics: ['ams/**', 'orders/**'] }
  ]
  const file = `${here.data}.treaty.json`
  await writeFile(file, JSON.stringify({ rows }))
  await here.says('peer', 'add', there.id, ...address, '--treaty', file)
}

/** Posted at the first hub. */
async function post(body: object, traceparent?: string): Promise<Shown> {
  const answer = await fetch(`${a.http}/ams/v1/envelopes`, {
    method: 'POST',
    headers: { ...HEADERS, ...(traceparent && { traceparent }) },
    body: JSON.stringify(body)
  })
  assert.equal(answer.status, 201, await answer.clone().text())
  return ((await answer.json()) as { readonly envelope: Shown }).envelope
}

async function found(hub: Hub, id: string): Promise<Shown | undefined> {
  const answer = await fetch(`${hub.http}/ams/v1/envelopes/${id}`, { headers: HEADERS })
  return ((await answer.json()) as { readonly envelope?: Shown }).envelope
}

/** An envelope of the second hub, as soon as it has it. */
const here = (id: string): Promise<Shown> => until(() => found(b, id), `${id} at the other hub`)

/** The entries of the audit log, over HTTP, about an envelope that was created. */
async function created(hub: Hub, sha256: string): Promise<readonly { readonly trace_id?: string }[]> {
  const answer = await fetch(`${hub.http}/audit/v1/events.ndjson?limit=2000`, { headers: HEADERS })
  assert.equal(answer.status, 200)
  const entries = (await answer.text())
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
  return entries.filter(({ type, data }) => type === 'ams.envelope.created' && data.sha256 === sha256)
}

/** The line of a hub's log about an envelope. */
const logged = (hub: Hub, event: string, sha256: string): Promise<Readonly<Record<string, unknown>>> =>
  until(
    () => hub.log.find(line => line['event'] === event && line['sha256'] === sha256),
    `${event} of ${sha256}`
  )

async function until<T>(look: () => Promise<T | undefined> | T | undefined, what: string): Promise<T> {
  const end = performance.now() + WITHIN_MS
  for (;;) {
    const seen = await look()
    if (seen !== undefined) return seen
    assert.ok(performance.now() < end, `${what} did not come within ${WITHIN_MS} ms`)
    await sleep(50)
  }
}
