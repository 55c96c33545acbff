import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { connectAdmin, createNode, loadConfig, tokenKeeper } from '../node/index.ts'
import type { AdminClient, OmnigateNode } from '../node/index.ts'

const OPTIONS = { timeout: 240_000 }
const UNTIL_MS = 60_000
const HOUR_MS = 3_600_000
/** Keys that sign for a hub, of which a mirror has none. */
const SIGNING = ['hub', 'message', 'receipt', 'witness', 'snapshot', 'manifest']

test('the two nodes link once each allows the other', OPTIONS, async t => {
  await using a = await started(t, 'two-nodes-a.toml')
  await using b = await started(t, 'two-nodes-b.toml')

  await allow(a, b)

  for (const [here, there] of [
    [a, b],
    [b, a]
  ] as const)
    await until(async () => {
      const { link } = await here.operator.federation.peer_show({ hub: there.id })
      return link === 'up'
    }, 'the link')
  assert.deepEqual([a.status['node'], b.status['node']], ['a', 'b'])
})

test('the mirror shows what it follows, and takes no writes', OPTIONS, async t => {
  await using core = await started(t, 'two-nodes-a.toml')
  const data = folder(t)
  await (await started(t, 'node.toml', { data }))[Symbol.asyncDispose]()
  for (const role of SIGNING) rmSync(join(data, 'keys', `${role}.key`), { force: true })
  await using mirror = await started(t, 'mirror.toml', {
    data,
    flags: { 'mirror.core': core.id, 'mirror.everySeconds': 1 }
  })

  await allow(mirror, core, { classes: ['federated'], verbs: ['storage:get'] })
  const { seq } = await core.operator.snapshots.snapshot_make({})

  const newest = await until(async () => {
    const answer = await fetch(`${mirror.http}/snapshots/v1/newest`)
    const said = (await answer.json()) as { seq?: number; hub?: string }
    return said.seq === seq && said
  }, 'the snapshot at the mirror')
  assert.equal(newest.hub, core.id)
  assert.equal((await fetch(`${mirror.http}/.well-known/minisign.pub`)).status, 200)
  for (const path of ['/ams/v1/envelopes', '/mailbox/v1/send', '/snapshots/v1/newest']) {
    const answer = await fetch(mirror.http + path, { method: 'POST', body: '{}' })
    const { error } = (await answer.json()) as { error?: string }
    assert.deepEqual([answer.status, error], [403, 'read_only'], path)
  }
})

test('in production nobody reads or writes without a token, and it says its own name', OPTIONS, async t => {
  await using hub = await started(t, 'production.toml')
  const { text } = await (await tokenKeeper(hub.data, loadConfig().config)).add('bot', 'write')
  const envelope = {
    type: 'note',
    thread: 't_notes',
    from: 'agent:bot',
    to: 'user:ann',
    payload: { hello: true }
  }
  const ask = (headers: Record<string, string>, method = 'GET') =>
    fetch(`${hub.http}/ams/v1/envelopes`, {
      method,
      headers: { ...headers, ...(method === 'POST' && { 'content-type': 'application/json' }) },
      ...(method === 'POST' && { body: JSON.stringify(envelope) })
    })
  const bearer = { authorization: `Bearer ${text}` }

  assert.equal((await ask({})).status, 401)
  assert.equal((await ask({}, 'POST')).status, 401)
  // A running node follows the file of tokens.
  await until(async () => (await ask(bearer)).status === 200, 'the token')
  assert.equal((await ask(bearer, 'POST')).status, 201)
  const health = (await (await fetch(`${hub.http}/ams/v1/health`)).json()) as Record<string, unknown>
  assert.deepEqual([health['write_mode'], health['url']], ['token', 'https://hub.example.org'])
})

interface Started extends AsyncDisposable {
  readonly node: OmnigateNode
  readonly operator: AdminClient
  readonly data: string
  readonly id: string
  readonly address: string
  readonly http: string
  readonly status: Readonly<Record<string, unknown>>
}

function folder(t: TestContext): string {
  const top = mkdtempSync(join(tmpdir(), 'omnigate-started-'))
  t.after(() => rmSync(top, { recursive: true, force: true }))
  return join(top, 'hub')
}

/** A node on one of the configurations of this folder, on free ports; a busy machine is no overload to it. */
async function started(
  t: TestContext,
  name: string,
  { data = folder(t), flags = {} }: { readonly data?: string; readonly flags?: Record<string, unknown> } = {}
): Promise<Started> {
  const text = readFileSync(join(import.meta.dirname, name), 'utf8')
  const own = {
    'node.listen': ['/ip4/127.0.0.1/tcp/0'],
    'http.listen': '127.0.0.1:0',
    'log.level': 'silent',
    'limits.maxDelayMs': HOUR_MS
  }
  const { config } = loadConfig({ file: { path: name, text }, flags: { ...own, ...flags } })
  const overrides = { env: {}, loopDelay: { tick: () => undefined, take: () => 0 } }
  const node = createNode(config, { data, init: true, overrides })
  await node.start()
  const operator = await connectAdmin(data)
  const status = await operator.status()
  const { hub_id: id, addresses, http } = node.status()
  const end = async (): Promise<void> => {
    await operator[Symbol.asyncDispose]()
    await node.stop()
  }
  return {
    node,
    operator,
    data,
    id,
    address: addresses[0]!,
    http: String(http),
    status,
    [Symbol.asyncDispose]: end
  }
}

/** Puts each hub on the other's allowlist; `b` is dialled by `a`. */
async function allow(a: Started, b: Started, treaty?: object): Promise<void> {
  const body = treaty && Buffer.from(JSON.stringify(treaty))
  await b.operator.federation.peer_add({ hub: a.id, addresses: [], ...(body && { body }) })
  await a.operator.federation.peer_add({ hub: b.id, addresses: [b.address], ...(body && { body }) })
}

async function until<T>(look: () => Promise<T | false>, what: string): Promise<T> {
  const end = performance.now() + UNTIL_MS
  for (;;) {
    const found = await look()
    if (found !== false) return found
    if (performance.now() > end) throw new Error(`${what}: not within ${UNTIL_MS} ms`)
    await sleep(25)
  }
}
