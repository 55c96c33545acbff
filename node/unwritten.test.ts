import assert from 'node:assert/strict'
import test from 'node:test'
import type { TestContext } from 'node:test'
import pino from 'pino'
import { defineService, echoService, header, headerAndBody, opaque, unary } from '../protocols/index.ts'
import { connect } from '../sdk/index.ts'
import { loadConfig } from './config/index.ts'
import type { MintedToken } from './capabilities/index.ts'
import { createNode } from './node.ts'
import type { OmnigateNode } from './node.ts'

const TENANT = '0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d'
const SECRET = 'the-sealed-secret'
const call = { verb: 'chosen:call', request: headerAndBody({}), answer: opaque }
const unknownApp = defineService({ name: 'chosen', app: 0x7777, operations: { chosen_by_peer: unary(call) } })
const unknownOperation = defineService({
  name: 'chosen',
  app: 1,
  operations: { chosen_by_peer: unary({ ...call, request: header({}) }) }
})

interface Written {
  readonly log: string
  readonly metrics: string
  readonly peer: string
  readonly token: string
}

/** What a node has in its log, at its most talkative, and in its metrics after a peer chose what it could. */
async function written(t: TestContext): Promise<Written> {
  const lines: string[] = []
  const flags = {
    'node.listen': ['/ip4/127.0.0.1/tcp/0'],
    'http.listen': '127.0.0.1:0',
    'capabilities.takesBearer': true,
    'strangers.loopbackIsKnown': true
  }
  const log = pino({ level: 'trace' }, { write: line => lines.push(line) })
  const node = createNode(loadConfig({ flags }).config, { overrides: { log } })
  t.after(() => node.stop())
  await node.start()
  await using hub = await connect(node.status().addresses[0]!)
  const { token: cap } = await tokenOf(node)
  const sealed = { e2e: true, tenant: TENANT, cap, trace: SECRET }
  const echo = hub.client(echoService)
  const body = Buffer.from(SECRET)

  assert.deepEqual(Buffer.from(await echo.echo({ body }, sealed)), body)
  const { body: back } = await echo.stream({}, { ...sealed, body: [body] })
  const pieces: Uint8Array[] = []
  for await (const piece of back) pieces.push(piece)
  assert.deepEqual(Buffer.concat(pieces), body)
  await assert.rejects(hub.client(unknownApp).chosen_by_peer({ body }, sealed), /\S/)
  await assert.rejects(hub.client(unknownOperation).chosen_by_peer({}, { tenant: TENANT }), /\S/)

  const metrics = await (await fetch(`${node.status().http}/metrics`)).text()
  return { log: lines.join(''), metrics, peer: hub.peer, token: Buffer.from(cap).toString('base64url') }
}

async function tokenOf(node: OmnigateNode): Promise<MintedToken> {
  const capabilities = node.capabilities()
  await capabilities.addTenant({ name: 'quiet', id: TENANT }, { actor: 'local' })
  const request = { verb: 'echo:call', tenant: TENANT, subject: SECRET, bearer: true }
  return capabilities.mint(request, { actor: 'local' })
}

const CHOSEN = [SECRET, Buffer.from(SECRET).toString('hex'), Buffer.from(SECRET).toString('base64'), TENANT]

test('writes nothing of a sealed body, a capability or a trace into its log, however talkative', async t => {
  const { log, token } = await written(t)

  assert.match(log, /"level"/)
  for (const text of [...CHOSEN, token.slice(-40)]) assert.ok(!log.includes(text), text)
})

test('labels nothing with a peer, a tenant, an address or a name that a peer chose', async t => {
  const { metrics, peer } = await written(t)

  const samples = metrics.split('\n').filter(line => line !== '' && !line.startsWith('#'))
  assert.ok(samples.includes('requests_total{service="unknown",operation="unknown",status="404"} 2'))
  // Without their values: digits of a measured time may be any.
  const labels = samples.map(sample => sample.slice(0, sample.lastIndexOf(' ')))
  for (const text of [...CHOSEN, peer, '127.0.0.1', 'chosen', '30583', '7777'])
    assert.ok(!labels.some(label => label.includes(text)), text)
})
