import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import {
  OapError,
  auditService,
  defineService,
  echoService,
  header,
  nothing,
  unary
} from '../../protocols/index.ts'
import type { Service } from '../../protocols/index.ts'
import { connect } from '../../sdk/index.ts'
import { connectAdmin } from '../admin/admin-client.ts'
import { isConsistent, leafHash, parseCheckpoint, parseNote } from '../audit/index.ts'
import { endings } from '../endings.fixture.ts'
import type { OmnigateNode } from '../node.ts'
import { runningNode } from '../running-node.fixture.ts'
import type { Running } from '../running-node.fixture.ts'
import { entriesIn } from './entries.fixture.ts'

const LOCAL = { actor: 'local' }

async function folder(t: TestContext): Promise<string> {
  const top = await mkdtemp(join(tmpdir(), 'omnigate-audit-'))
  endings(t).defer(() => rm(top, { recursive: true, force: true }))
  return join(top, 'hub')
}

const nodeOn = (
  t: TestContext,
  data: string | undefined,
  setting: Omit<Running, 'data'> = {}
): Promise<OmnigateNode> => runningNode(t, { data, ...setting })

const minted = async (node: OmnigateNode, verb: string, members: Record<string, unknown> = {}) =>
  (await node.capabilities().mint({ verb, tenant: 'default', bearer: true, ...members }, LOCAL)).token

const codeOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'ok',
    (error: unknown) => (error as OapError).code
  )

test('peers read the audit log with audit:read alone, and HELLO tells of it', async t => {
  const node = await nodeOn(t, await folder(t))
  await using hub = await connect(node.status().addresses[0]!, { cap: await minted(node, 'audit:read') })
  await using other = await connect(node.status().addresses[0]!, { cap: await minted(node, 'echo:call') })
  const audit = hub.client(auditService)
  const headNow = async () =>
    parseCheckpoint(parseNote(Buffer.from(await audit.checkpoint({})).toString()).text)

  const old = await headNow()
  await node.capabilities().rotate({}, LOCAL)
  const now = await headNow()
  const growth = await audit.consistency({ from: old.size, to: now.size })
  const { body } = await audit.entries({ from: old.size, to: now.size })
  let text = ''
  for await (const piece of body) text += Buffer.from(piece).toString()

  const hashes = Array.from({ length: growth.body!.length / 32 }, (_, n) =>
    growth.body!.subarray(n * 32, n * 32 + 32)
  )
  assert.ok(isConsistent({ from: old.size, fromRoot: old.root, to: now.size, toRoot: now.root }, hashes))
  assert.equal(leafHash(Buffer.from(text.trimEnd().split('\n')[0]!)).length, 32)
  assert.match(text, /"type":"rotate"/)
  assert.equal(await codeOf(other.client(auditService).checkpoint({})), 'cap_denied')
  assert.ok((await hub.hello()).apps.includes(0x0401))
  assert.ok((node.status()['apps'] as number[]).includes(0x0401))
})

test('a node without a data folder serves no audit log', async t => {
  const node = await nodeOn(t, undefined)
  await using hub = await connect(node.status().addresses[0]!, { cap: await minted(node, 'audit:read') })

  assert.equal(await codeOf(hub.client(auditService).checkpoint({})), 'unknown_app')
  assert.ok(!(await hub.hello()).apps.includes(0x0401))
})

test('the operator reads the log, and gets proofs, on the admin socket', async t => {
  const data = await folder(t)
  await nodeOn(t, data)
  await using admin = await connectAdmin(data)

  const { origin, first, size } = await admin.audit.admin.audit_log({})
  const proof = await admin.audit.admin.audit_proof({ from: 0 })
  const note = Buffer.from(await admin.audit.log.checkpoint({})).toString()

  assert.equal(first, 0)
  assert.ok(size >= 2 && proof.to >= size)
  assert.equal(parseCheckpoint(parseNote(note).text).origin, origin)
  assert.equal(await codeOf(admin.audit.admin.audit_proof({ from: 1_000_000 })), 'not_found')
})

const SECRETS = {
  body: 'body of a letter',
  reason: 'stolen by mallory',
  subject: 'alice-at-home',
  tenant: 'acme-and-sons',
  topic: 'cancer-ward',
  error: 'password hunter2',
  operation: 'open_sesame',
  part: 'secret_project',
  host: 'vault.internal.example'
}

test('nothing secret is in the log, by whatever way it came', async t => {
  const data = await folder(t)
  const table = defineService({
    name: 'doors',
    app: 0x7001,
    operations: { open: unary({ verb: 'echo:call', request: header({}), answer: nothing }) }
  })
  let answers = 0
  const doors: Service = {
    table,
    handlers: {
      open() {
        if (answers++ % 2 === 0) throw new Error(SECRETS.error)
        throw new OapError('conflict', SECRETS.error, { code: SECRETS.operation })
      }
    }
  }
  const crashing = {
    service: SECRETS.part,
    crashReason: 'crash_exception' as const,
    run: (started: () => void) => {
      started()
      return Promise.reject(new Error(SECRETS.error))
    }
  }
  const sesame = { [SECRETS.operation]: unary({ verb: 'echo:call', request: header({}), answer: nothing }) }
  const unknown = (app: number) => defineService({ name: 'echo', app, operations: sesame })
  const node = await nodeOn(t, data, { options: { services: [doors], overrides: { parts: [crashing] } } })
  const { addresses } = node.status()
  const capabilities = node.capabilities()
  const tenant = await capabilities.addTenant({ name: SECRETS.tenant }, LOCAL)
  const good = await minted(node, 'echo:call', {
    tenant: tenant.id,
    subject: SECRETS.subject,
    topic: SECRETS.topic
  })
  const plain = await minted(node, 'echo:call,audit:read')
  const wrong = await minted(node, 'other:verb')
  await using hub = await connect(addresses[0]!, { cap: plain })
  const echo = hub.client(echoService)
  const body = Buffer.from(SECRETS.body)

  for (const cap of [plain, good, wrong, Uint8Array.of(1), body, Buffer.concat([plain, body])])
    await codeOf(
      echo.echo({ body }, { cap, trace: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' })
    )
  for (const app of [1, 0x7777]) await codeOf(hub.client(unknown(app))[SECRETS.operation]!({} as never))
  for (let n = 0; n < 2; n++) await codeOf(hub.client(table).open({}))
  await capabilities.revoke({ subject: SECRETS.subject }, SECRETS.reason, LOCAL)
  await codeOf(echo.echo({ body }, { cap: good }))
  await capabilities.rotate({}, LOCAL)
  await capabilities.removeTenant(tenant.id, { purge: true }, LOCAL)
  const self = hub.self
  await node.stop()
  const again = await nodeOn(t, data, { flags: { 'node.announce': [`/dns4/${SECRETS.host}/tcp/4801`] } })
  await again.stop()

  const entries = await entriesIn(data)
  const types = new Set(entries.map(({ type }) => type))
  for (const type of ['mint', 'tenant', 'revoke', 'refusal', 'summary', 'crash', 'config_change'])
    assert.ok(types.has(type), `${type} is not among ${[...types].join(' ')}`)
  const log = JSON.stringify(entries)
  const port = addresses[0]!.split('/')[4]!
  const texts = [...Object.values(SECRETS), '127.0.0.1', `/tcp/${port}`, self, self.slice(8)]
  const bytes = [good, plain, wrong].map(token => Buffer.from(token).subarray(-32))
  for (const secret of [...texts.map(text => Buffer.from(text)), ...bytes]) {
    for (const encoding of ['utf8', 'hex', 'base64', 'base64url'] as const)
      assert.ok(!log.includes(secret.toString(encoding).replace(/=+$/, '')), secret.toString())
  }
})

const FLOOD = 10_000
const AT_ONCE = 50
const MOST_BETWEEN = 1000

test('a flood of refusals adds few entries with exact counts, and no honest call waits for it', async t => {
  const data = await folder(t)
  const node = await nodeOn(t, data)
  const [address = ''] = node.status().addresses
  await using honest = await connect(address, { cap: await minted(node, 'echo:call') })
  await using flooder = await connect(address, { cap: await minted(node, 'other:verb') })
  const answers = new Map<string, number>()
  const refuse = async (): Promise<void> => {
    const code = await codeOf(flooder.client(echoService).echo({}))
    answers.set(code, (answers.get(code) ?? 0) + 1)
  }
  const since = Date.now()
  let left = FLOOD
  const flood = Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (left-- > 0) await refuse()
    })
  )
  // How many refusals came between an honest call and its answer.
  const between: number[] = []
  let served = 0
  const refused = (): number => [...answers.values()].reduce((a, b) => a + b, 0)
  while (left > AT_ONCE) {
    const before = refused()
    const code = await codeOf(honest.client(echoService).echo({}))
    between.push(refused() - before)
    // A node that the flood keeps too busy may say so to the honest one, too, and counts that.
    if (code !== 'ok') answers.set(code, (answers.get(code) ?? 0) + 1)
    else served++
  }
  await flood
  const seconds = (Date.now() - since) / 1000
  await node.stop()

  const entries = await entriesIn(data)
  const refusals = entries.filter(({ type }) => type === 'refusal')
  const summaries = entries.filter(
    ({ type, data: { operation } }) => type === 'summary' && operation === 'echo'
  )
  const total = (reason: string): number =>
    summaries
      .filter(({ data: d }) => d['reason'] === reason)
      .reduce((sum, { data: d }) => sum + Number(d['count']), 0)
  const periods = Math.floor(seconds / 10) + 2
  t.diagnostic(
    `${JSON.stringify([...answers])} in ${seconds.toFixed(1)} s, ${refusals.length} refusals, ${summaries.length} summaries, of ${between.length} honest calls the one with most refusals before it saw ${Math.max(...between)}`
  )

  assert.equal(refused(), FLOOD + between.length - served)
  assert.ok(served > between.length / 2, `${served} of ${between.length} honest calls served`)
  assert.ok(answers.get('cap_denied')! > 0)
  assert.ok(refusals.length <= 10 * (Math.ceil(seconds) + 1))
  for (const [reason, times] of answers) {
    const own = refusals.filter(({ data: d }) => d['reason'] === reason).length
    assert.equal(own + total(reason), times, reason)
    assert.ok(summaries.filter(({ data: d }) => d['reason'] === reason).length <= periods, reason)
  }
  assert.ok(Math.max(...between) <= MOST_BETWEEN, between.join(' '))
})
