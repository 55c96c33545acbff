import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { connectAdmin } from '../admin/admin-client.ts'
import type { HardenStep } from '../ams/access/index.ts'
import { loadConfig } from '../config/index.ts'
import { parsePublicKey, verifyFile } from '../minisign.ts'
import { runningNode } from '../running-node.fixture.ts'
import { entriesIn } from './entries.fixture.ts'
import { hardenFolder } from './hardening.ts'
import { HARDENED_MANIFESTS, manifestSteps } from './hardened-manifests.ts'

const WRITE = 'write-token-of-at-least-32-bytes-1'
const ADMIN = 'admin-token-of-at-least-32-bytes-1'
const env = { AMS_WRITE_TOKEN: WRITE, AMS_ADMIN_TOKEN: ADMIN }

const note = { type: 'note', thread: 't_a', from: 'ann', to: 'bob', payload: { text: 'hi' } }
const HELLO = 'bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq'

interface Example {
  readonly path?: string
  readonly body: object | string
}

/** One request of each route that takes writes of strangers in an open hub, after an envelope `e1` was posted. */
const EXAMPLES: Readonly<Record<string, Example>> = {
  'POST /ams/v1/envelopes': { body: note },
  'PATCH /ams/v1/envelopes/{id}': { path: '/ams/v1/envelopes/e1', body: { meta: { seen: true } } },
  'POST /ams/v1/sync': { body: { push: [note], pull: false } },
  'POST /ams/v1/submit': { body: note },
  'POST /ams/v1/artifacts': { body: { payload: 'hi' } },
  'PUT /ams/v1/artifacts/{key}': { path: '/ams/v1/artifacts/a1', body: 'hi' },
  'POST /notary/v1/records': { body: { sha256: 'ab'.repeat(32) } },
  'POST /room/v1/messages': { path: '/room/v1/messages?room=lobby', body: { body: { text: 'hi' } } },
  'POST /mailbox/v1/send': { body: { topic: 'jobs', body: 'x' } },
  'POST /mailbox/v1/send_batch': { body: { topic: 'jobs', items: [{ body: 'y' }] } },
  'POST /storage/v1/blobs': { body: 'a blob' },
  'PUT /storage/v1/{cid}': { path: `/storage/v1/${HELLO}`, body: 'hello' }
}

/** What takes a body and keeps nothing of it. */
const READS = [
  'POST /mailbox/v1/dlq_list',
  'POST /mailbox/v1/peek',
  'POST /mailbox/v1/stats',
  'POST /storage/v1/has'
]

test('harden closes a running node: what took writes of strangers takes none without a token, at once', async t => {
  const hub = await openHub(t)
  const { strangers, others } = await hub.writeRoutes()
  await hub.ask('POST /ams/v1/envelopes', { body: { ...note, id: 'e1' } })
  const statuses = (headers = {}) =>
    Promise.all(
      strangers.map(async name => {
        assert.ok(EXAMPLES[name], `${name}: a route that takes writes needs an example here`)
        return (await hub.ask(name, EXAMPLES[name], headers)).status
      })
    )
  const ofOthers = () => Promise.all(others.map(async name => (await hub.ask(name, { body: {} })).status))
  const said = await hub.manifests()
  const before = [await statuses(), await ofOthers()]
  const startMs = Date.now()

  const { isRefused, needsRestart, steps } = await hub.harden()
  const after = [await statuses(), await ofOthers()]
  const good = [
    await statuses({ 'x-ams-token': WRITE }),
    await statuses({ authorization: `Bearer ${ADMIN}` })
  ]

  assert.deepEqual([...strangers].sort(), Object.keys(EXAMPLES).sort())
  assert.ok(others.length > 10)
  for (const taken of [before[0]!, ...good])
    assert.deepEqual(
      taken.map(status => Math.floor(status / 100)),
      strangers.map(() => 2),
      `${strangers.join()}: ${taken.join()}`
    )
  for (const [n, refused] of [before[1]!, ...after].entries())
    assert.deepEqual(new Set(refused), new Set([401]), String(n))
  assert.deepEqual([isRefused, needsRestart], [false, false])
  assert.deepEqual(outcomes(steps).slice(-5), [
    ['gateway.sandbox', 'already'],
    ['node', 'done'],
    ['ams-gateway-spec.json', 'done'],
    ['ai-ams.json', 'done'],
    ['audit', 'done']
  ])
  const { gateway, security } = loadConfig({ file: hub.file() }).config
  assert.deepEqual([gateway.write_requires_token, security.write_requires_auth], [true, true])
  const now = await hub.manifests()
  for (const name of HARDENED_MANIFESTS) {
    const [was, is] = [said[name]!, now[name]!]
    assert.deepEqual([was.write_mode, was.write_requires_auth], ['open', false])
    assert.deepEqual([is.write_mode, is.write_requires_auth], ['token', true])
    assert.ok(Date.parse(is.meta.updated) >= startMs && is.meta.updated > was.meta.updated, name)
    assert.ok(is.signedS >= Math.floor(startMs / 1000), name)
  }
  assert.equal(hub.node.status()['http_writes'], 'token')
  assert.deepEqual(await hub.recorded(), [
    ['gateway.write_mode', 'gateway.write_requires_token', 'security.write_requires_auth']
  ])
})

test('what a stranger was writing when the hub was closed is refused, also where its body is still on its way', async t => {
  const hub = await openHub(t)
  const blob = await underWay(t, hub.url, '/storage/v1/blobs', 'x'.repeat(100_000))
  const envelope = await underWay(t, hub.url, '/ams/v1/envelopes', JSON.stringify(note))

  await hub.harden()
  const ended = await blob.answer()
  envelope.rest()

  assert.match(ended, /^HTTP\/1\.1 401 [^]*"error":"unauthorized"/)
  assert.match(await envelope.answer(), /^HTTP\/1\.1 401 [^]*"error":"unauthorized"/)
})

test('a hub that was hardened stays as it is', async t => {
  const hub = await openHub(t)
  await hub.harden()
  const before = await hub.manifests()

  const { steps } = await hub.harden()

  assert.ok(
    steps.every(({ is }) => is === 'already'),
    JSON.stringify(steps)
  )
  assert.deepEqual(outcomes(steps).slice(-3), [
    ['node', 'already'],
    ['ams-gateway-spec.json', 'already'],
    ['ai-ams.json', 'already']
  ])
  assert.deepEqual(await hub.manifests(), before)
  assert.equal((await hub.recorded()).length, 1)
})

test('a node that runs open although its file is hardened is closed, and its log says so', async t => {
  const hub = await openHub(t, {
    text: '[gateway]\nwrite_mode = "token"\nwrite_requires_token = true\n[security]\nwrite_requires_auth = true\n'
  })

  const { steps } = await hub.harden()

  assert.deepEqual(outcomes(steps).slice(-5), [
    ['gateway.sandbox', 'already'],
    ['node', 'done'],
    ['ams-gateway-spec.json', 'done'],
    ['ai-ams.json', 'done'],
    ['audit', 'done']
  ])
  assert.equal((await hub.ask('POST /ams/v1/envelopes', { body: note })).status, 401)
  assert.deepEqual(await hub.recorded(), [['gateway.write_mode']])
})

test('a node without the tokens and limits that the checklist found is closed all the same, and told to start again', async t => {
  const hub = await openHub(t, { tokens: {}, flags: { 'gateway.rate_limits': false } })

  const { needsRestart, steps } = await hub.harden()

  assert.ok(needsRestart)
  assert.deepEqual(
    steps.filter(({ step }) => step === 'restart').map(({ is, message }) => [is, message.split(':')[0]]),
    ['rate limits', 'the WRITE token', 'the ADMIN token'].map(what => [
      'later',
      `the node was started without ${what}`
    ])
  )
  assert.equal((await hub.ask('POST /ams/v1/envelopes', { body: note })).status, 401)
})

test('where no key may sign the manifests they say so, and enforcement does not wait for it', async t => {
  const before = await openHub(t)
  await before.node.stop()
  for (const key of ['hub.key', 'manifest.key']) rmSync(join(before.data, 'keys', key), { force: true })
  const hub = await openHub(t, { data: before.data })

  const { steps } = await hub.harden()

  for (const name of HARDENED_MANIFESTS) {
    const { is, message } = steps.find(({ step }) => step === name)!
    assert.equal(is, 'later')
    assert.match(message, /^needs-resign: no key may sign it; run: .*omnigate key delegate --role manifest/)
  }
  assert.equal((await hub.ask('POST /ams/v1/envelopes', { body: note })).status, 401)
})

test('a manifest that is not what it must be after the change is no step that is done', async t => {
  const hub = await openHub(t)
  await using admin = await connectAdmin(hub.data)
  const { body } = await admin.hardening.harden({ keys: [] })
  const texts = JSON.parse(Buffer.from(body!).toString()) as Record<string, string>
  const asked = { hub: hub.node.status().hub_id, texts, changedMs: 0, wayOut: 'mend it' }
  const of = (change: Partial<typeof asked>) => manifestSteps({ ...asked, ...change })[1]!
  const changed = (from: string, to: string) => ({
    texts: { ...texts, 'ai-ams.json': texts['ai-ams.json']!.replace(from, to) }
  })

  const wrong = [
    of({ changedMs: Date.now() + 3_600_000 }),
    of({ hub: 'ed25519-of-somebody-else' }),
    of(changed('"service"', '"servile"')),
    of(changed('"write_mode": "token"', '"write_mode": "open"')),
    of({ texts: { ...texts, 'ai-ams.json': 'no manifest' } }),
    of({ texts: { ...texts, 'ai-ams.json.minisig': texts['ams-gateway-spec.json.minisig']! } }),
    of({ texts: { 'ai-ams.json': texts['ai-ams.json']! } }),
    of({ texts: {} })
  ]

  assert.equal(of({}).is, 'done')
  assert.deepEqual(
    wrong.map(({ is }) => is),
    wrong.map(() => 'later')
  )
  assert.equal(new Set(wrong.map(({ message }) => message.replace(/\d\d\d\d-\S+/, ''))).size, 7)
})

const outcomes = (steps: readonly HardenStep[]) => steps.map(({ step, is }) => [step, is])

interface Opening {
  readonly text?: string
  readonly tokens?: Readonly<Record<string, string>>
  readonly flags?: Readonly<Record<string, unknown>>
  readonly data?: string
}

/** A node that takes writes of everybody, with a file that `harden` works on. */
async function openHub(
  t: TestContext,
  { text = '[gateway]\nwrite_mode = "open"\n', tokens = env, flags = {}, data: before }: Opening = {}
) {
  const folder = mkdtempSync(join(tmpdir(), 'omnigate-hardened-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'omnigate.toml')
  writeFileSync(path, text)
  const data = before ?? join(folder, 'data')
  const node = await runningNode(t, {
    data,
    flags: {
      'http.enabled': true,
      'http.listen': '127.0.0.1:0',
      'gateway.write_mode': 'open',
      'gateway.writes_per_min': 10_000,
      ...flags
    },
    // However busy the machine is, nothing is shed.
    options: { overrides: { env: tokens, loopDelay: { tick: () => undefined, take: () => 0 } } }
  })
  const url = String(node.status().http)
  const file = () => ({ path, text: readFileSync(path, 'utf8') })
  const get = async (name: string) => Buffer.from(await (await fetch(`${url}/${name}`)).arrayBuffer())
  return {
    node,
    data,
    url,
    file,
    harden: () => hardenFolder(data, { file: file(), isNew: false, env }),
    recorded: async () =>
      (await entriesIn(data)).filter(({ type }) => type === 'harden').map(entry => entry.data['keys']),
    async ask(name: string, { path: at, body }: Example, headers = {}) {
      const [method = '', route = ''] = name.split(' ')
      const isJson = typeof body !== 'string'
      const answer = await fetch(url + (at ?? route), {
        method,
        headers: { ...(isJson && { 'content-type': 'application/json' }), ...headers },
        body: isJson ? JSON.stringify(body) : body
      })
      await answer.arrayBuffer()
      return answer
    },
    /** The routes of `/openapi.json` that take something: those that strangers may write to, and those that need a token. */
    async writeRoutes() {
      const { paths } = JSON.parse((await get('openapi.json')).toString()) as OpenApi
      const all = Object.entries(paths).flatMap(([at, methods]) =>
        Object.entries(methods)
          .filter(([method]) => method !== 'get' && method !== 'head')
          .map(([method, { summary, security = [{}] }]) => ({
            name: `${method.toUpperCase()} ${at}`,
            role: /Needs the role (\w+)\.$/.exec(summary)?.[1],
            isForAll: security.some(one => Object.keys(one).length === 0)
          }))
      )
      const names = (rows: typeof all) => rows.map(({ name }) => name).filter(name => !READS.includes(name))
      // A sync writes where it pushes, which the table does not tell.
      const isStrangers = ({ role, isForAll }: (typeof all)[number]) => role !== 'admin' && isForAll
      return {
        strangers: names(all.filter(isStrangers)),
        others: names(all.filter(one => !isStrangers(one)))
      }
    },
    /** What the two manifests say, once their signatures are verified. */
    async manifests() {
      const key = parsePublicKey((await get('.well-known/minisign.pub')).toString())
      const said = HARDENED_MANIFESTS.map(async name => {
        const bytes = await get(`.well-known/${name}`)
        const comment = verifyFile(key, bytes, (await get(`.well-known/${name}.minisig`)).toString())
        const signedS = Number(/^timestamp:(\d+)/.exec(comment)?.[1])
        return [name, { ...(JSON.parse(bytes.toString()) as Manifest), signedS }] as const
      })
      return Object.fromEntries(await Promise.all(said))
    }
  }
}

interface OpenApi {
  readonly paths: Readonly<
    Record<
      string,
      Readonly<Record<string, { readonly summary: string; readonly security?: readonly object[] }>>
    >
  >
}

interface Manifest {
  readonly write_mode: string
  readonly write_requires_auth: boolean
  readonly meta: { readonly updated: string }
}

/** A request whose head the node has judged, and of whose body it has all but the last byte. */
async function underWay(t: TestContext, url: string, path: string, body: string) {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  t.after(() => socket.destroy())
  socket.on('error', () => undefined)
  let text = ''
  socket.on('data', (part: Buffer) => (text += part.toString()))
  socket.write(
    `POST ${path} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nExpect: 100-continue\r\n` +
      `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`
  )
  const said = async (form: RegExp) => {
    while (!form.test(text)) await once(socket, 'data')
    const found = text
    text = ''
    return found
  }
  await said(/^HTTP\/1\.1 100 /)
  socket.write(body.slice(0, -1))
  return { rest: () => socket.write(body.slice(-1)), answer: () => said(/"request_id"/) }
}
