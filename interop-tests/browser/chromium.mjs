// A page in a real Chromium uses a hub over HTTP and over WebSockets, with the bundle that an application would have. Not one
// of the interop tests: it needs Debian's chromium, and playwright-core, in the folder driver; .ci/full installs both.

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { createNode, loadConfig } from 'omnigate'
import { demandInstalled } from '../installed.ts'

const TOKEN = 'admin-token-of-at-least-32-bytes-1'
const OPTIONS = { timeout: 600_000 }
const started = new AsyncDisposableStack()

let page
let ways
let http

const DRIVER = new URL('driver/node_modules/playwright-core/index.mjs', import.meta.url)
const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium'

before(async () => {
  demandInstalled(CHROMIUM, 'apt-get install chromium, or name another in the environment as CHROMIUM')
  demandInstalled(fileURLToPath(DRIVER), '(cd interop-tests/browser/driver && npm ci --ignore-scripts)')
  const { outputFiles } = await build({
    stdin: {
      contents: `export { createClient } from 'omnigate/sdk'`,
      resolveDir: fileURLToPath(new URL('.', import.meta.url))
    },
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser'
  })
  const site = createServer((request, response) => {
    const isBundle = request.url === '/sdk.js'
    response.setHeader('content-type', isBundle ? 'text/javascript' : 'text/html')
    response.end(isBundle ? outputFiles[0].text : '<!doctype html><title>a page</title>')
  })
  await new Promise(resolve => site.listen(0, '127.0.0.1', resolve))
  started.defer(() => void site.close())
  const origin = `http://127.0.0.1:${site.address().port}`

  const data = await mkdtemp(join(tmpdir(), 'omnigate-browser-'))
  started.defer(() => rm(data, { recursive: true }))
  const node = createNode(
    loadConfig({
      flags: {
        'node.listen': ['/ip4/127.0.0.1/tcp/0/ws'],
        'http.enabled': true,
        'http.listen': '127.0.0.1:0',
        'gateway.origins': [origin],
        'strangers.loopbackIsKnown': true,
        'capabilities.openVerbs': ['*'],
        'limits.maxDelayMs': 3_600_000,
        'log.level': 'silent'
      },
      env: {}
    }).config,
    { data: join(data, 'hub'), init: true }
  )
  started.use(node)
  process.env['AMS_ADMIN_TOKEN'] = TOKEN
  await node.start()
  const { http: url, addresses } = node.status()
  http = url
  ways = { HTTP: { url, token: TOKEN }, WebSockets: { url: addresses[0] } }

  const { chromium } = await import(DRIVER.href)
  const options = { executablePath: CHROMIUM, timeout: 300_000 }
  const browser = await chromium.launch({ ...options, args: ['--no-sandbox'] })
  started.defer(() => browser.close())
  page = await browser.newPage()
  await page.goto(origin)
}, OPTIONS)

after(() => started.disposeAsync(), OPTIONS)

for (const way of ['HTTP', 'WebSockets']) {
  test(`a page sends, receives and fetches over ${way}`, OPTIONS, async () => {
    const got = await page.evaluate(`(async () => {
      const { createClient } = await import('/sdk.js')
      const hub = await createClient({ ...${JSON.stringify(ways[way])}, deadlineMs: 120_000 })
      const topic = 'page/${way}'
      await hub.mailbox.send(topic, 'one')
      const [one] = await hub.mailbox.recv(topic, { max: 1, waitMs: 10_000 })
      await one.ack()
      await hub.mailbox.send(topic, new Uint8Array([0, 255]))
      let two
      for await (const delivery of hub.mailbox.subscribe(topic, { max: 1 })) {
        two = [...delivery.body]
        await delivery.ack()
        break
      }
      const bytes = new Uint8Array(300_000).map((_, n) => n * 7)
      const pieces = (function* () { for (let at = 0; at < bytes.length; at += 70_000) yield bytes.subarray(at, at + 70_000) })()
      const { cid } = await hub.storage.put(pieces)
      const back = await (await hub.storage.get(cid)).bytes()
      const part = await (await hub.storage.get(cid, { range: { offset: 100_000, length: 3 } })).bytes()
      const refused = await hub.mailbox.send('//', 'x').catch(error => [error.name, error.code, typeof error.corrId])
      const has = await hub.storage.has(cid)
      await hub.close()
      return { one: one.text(), two, has, refused, part: [...part], isSame: back.every((byte, n) => byte === bytes[n]), length: back.length }
    })()`)

    assert.deepEqual(got, {
      one: 'one',
      two: [0, 255],
      has: true,
      refused: ['RequestError', 'bad_topic', 'bigint'],
      part: [100_000, 100_001, 100_002].map(n => (n * 7) & 255),
      isSame: true,
      length: 300_000
    })
  })
}

test('a page finds its own write in the audit log', OPTIONS, async () => {
  const type = await page.evaluate(`(async () => {
    const headers = { authorization: 'Bearer ${TOKEN}', 'content-type': 'application/json' }
    const envelope = { id: 'of-a-page', type: 'note', thread: 't_page', from: 'agent:page', to: 'user:ann', payload: {} }
    const kept = await fetch('${http}/ams/v1/envelopes', { method: 'POST', headers, body: JSON.stringify(envelope) })
    if (kept.status !== 201) throw new Error(await kept.text())
    const { sha256 } = (await kept.json()).envelope
    const events = await fetch('${http}/audit/v1/events.ndjson', { headers })
    const line = (await events.text()).split('\\n').find(text => text.includes(sha256))
    return line
  })()`)

  assert.match(type, /ams\.envelope\.created/)
})

test(
  'a page of an origin that is not listed gets no answer over HTTP, and is told why that may be',
  OPTIONS,
  async () => {
    const other = createServer((_, response) =>
      response.setHeader('content-type', 'text/html').end('<title>other')
    )
    await new Promise(resolve => other.listen(0, '127.0.0.1', resolve))
    started.defer(() => void other.close())
    const own = await page.evaluate('location.origin')
    await page.goto(`http://127.0.0.1:${other.address().port}`)

    const said = await page.evaluate(
      `fetch('${http}/mailbox/v1/send').then(() => 'answered', () => 'refused')`
    )
    await page.goto(own)

    assert.equal(said, 'refused')
  }
)
