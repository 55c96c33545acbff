import assert from 'node:assert/strict'
import {
  createHash,
  createHmac,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  verify
} from 'node:crypto'
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { authorityProblem, canonicalJson, parseDelegation, publicBytes } from '../../federation/index.ts'
import { explainConfig, loadConfig } from '../config/index.ts'
import { proofBy } from '../ams/proofs.ts'
import { runningNode } from '../running-node.fixture.ts'
import { entriesIn } from './entries.fixture.ts'

const base = {
  created_at: '2026-01-02T03:04:05.678Z',
  type: 'note',
  thread: 't_a',
  from: 'ann',
  to: 'bob',
  payload: { text: 'hello' }
}
type Envelope = typeof base & { readonly id: string }
const note = (id: string): Envelope => ({ ...base, id })
/** As specs/ams.md says it, without a line of ours. */
const proven = (envelope: Envelope): Buffer => Buffer.from(`AMS-ENVELOPE-V1\n${canonicalJson(envelope)}`)
const DER = Buffer.from('302a300506032b6570032100', 'hex')
const keyOf = (hex: string) =>
  createPublicKey({ key: Buffer.concat([DER, Buffer.from(hex, 'hex')]), format: 'der', type: 'spki' })

test('a hub that proves what it stores adds a proof that the stored record alone verifies, by a key that its hub key signed for', async t => {
  const folder = folderOf(t)
  const { privateKey } = generateKeyPairSync('ed25519')
  const client = { secretKey: privateKey, publicKey: Buffer.from(publicBytes(privateKey)).toString('hex') }
  const { node, ask } = await served(t, folder, { 'gateway.prove': true })
  const posted = await ask('/ams/v1/envelopes', { ...note('e1'), proofs: [proofBy(client, note('e1'))] })
  const again = await ask('/ams/v1/envelopes', note('e1'))
  const bare = await ask('/ams/v1/envelopes', { ...base, created_at: undefined })
  await node.stop()

  const later = await served(t, folder)
  const { envelope } = (await later.ask('/ams/v1/envelopes/e1')).body
  const spec = (await later.ask('/.well-known/ams-gateway-spec.json')).body

  assert.deepEqual([posted.status, again.status, bare.status], [201, 200, 201])
  assert.deepEqual(envelope, posted.body.envelope)
  const { proofs, sha256, status, meta, record, updated_at, ...immutable } = envelope
  assert.deepEqual(immutable, note('e1'))
  assert.equal(createHash('sha256').update(canonicalJson(immutable)).digest('hex'), sha256)
  assert.deepEqual([status, record.n, updated_at, Object.keys(meta)], ['accepted', 1, record.at, ['policy']])
  assert.deepEqual(
    proofs.map(({ server, key }: { server?: true; key: string }) => [server, key === client.publicKey]),
    [
      [undefined, true],
      [true, false]
    ]
  )
  for (const { key, sig } of proofs)
    assert.ok(verify(null, proven(immutable), keyOf(key), Buffer.from(sig, 'base64')))
  assert.equal(bare.body.envelope.proofs[0].server, true)
  assert.deepEqual([spec.proof_keys, spec.features.server_proof], [undefined, false])
  await later.node.stop()

  const proving = await served(t, folder, { 'gateway.prove': true })
  const { proof_keys: keys, features, hub } = (await proving.ask('/.well-known/ams-gateway-spec.json')).body
  const delegation = parseDelegation(`${keys[0]}\n`, 'message')
  assert.equal(authorityProblem(delegation), undefined)
  assert.deepEqual([delegation.statement.hub, delegation.statement.key], [hub, proofs[1].key])
  assert.deepEqual([keys.length, features.server_proof, features.hmac_proof], [1, true, false])
})

test('where the hub has no key to prove with, envelopes are refused until it has one, and all else is served', async t => {
  const folder = folderOf(t)
  const log = join(folder, 'log')
  const first = await served(t, folder)
  await first.node.stop()
  renameSync(join(folder, 'data', 'keys', 'hub.key'), join(folder, 'hub.key'))
  for (const name of ['message.key', 'message.json'])
    rmSync(join(folder, 'data', 'keys', name), { force: true })
  const flags = { 'gateway.prove': true, 'log.file': log, 'log.level': 'error' }

  const { ask, text } = await served(t, folder, flags)
  const refused = await ask('/ams/v1/envelopes', note('e1'))
  const room = await ask('/room/v1/messages?room=a', { body: {} })
  const metrics = await text('/metrics')
  renameSync(join(folder, 'hub.key'), join(folder, 'data', 'keys', 'hub.key'))
  const taken = await ask('/ams/v1/envelopes', note('e1'))

  assert.deepEqual(
    [refused.status, refused.body.error, room.status, taken.status],
    [503, 'not_ready', 201, 201]
  )
  assert.match(metrics, /^ams_proof_key_missing 1$/m)
  assert.equal(taken.body.envelope.proofs[0].server, true)
  assert.equal(readFileSync(log, 'utf8').split('"EnvelopesUnproven"').length, 2)
})

test('secrets of proofs that changed while the node was stopped are told once, and nothing of what they are', async t => {
  const folder = folderOf(t)
  const path = join(folder, 'secrets')
  const [one, other] = [randomBytes(32).toString('base64'), randomBytes(32).toString('base64')]
  const live = async (flags: object, ...lines: string[]): Promise<void> => {
    writeFileSync(path, `${lines.join('\n')}\n`, { mode: 0o600 })
    await (await served(t, folder, { ...flags })).node.stop()
  }
  const flags = { 'gateway.proof_secrets': path }

  await live(flags, `shop ${one}`)
  await live(flags, `shop ${one}`)
  await live(flags, `shop ${one}`, `desk ${other}`)
  await live(flags, `shop ${other}`)
  await live({})

  const told = await entriesIn(join(folder, 'data'))
  assert.deepEqual(
    told.filter(({ type }) => type === 'proof_secret').map(({ actor, data }) => [actor, data['change']]),
    ['add', 'add', 'remove', 'change', 'remove'].map(change => ['local', change])
  )
  for (const secret of [one, other]) assert.ok(!JSON.stringify(told).includes(secret))
})

test('a node without a data folder does not start where it is to prove', async t => {
  await assert.rejects(
    runningNode(t, { flags: { 'http.enabled': true, 'http.listen': '127.0.0.1:0', 'gateway.prove': true } }),
    /gateway\.prove: a node without a data folder has no key to prove with/
  )
})

test('proofs by secrets are verified with those of the file, which is followed, and no secret is told to anybody', async t => {
  const folder = folderOf(t)
  const [path, log] = [join(folder, 'secrets'), join(folder, 'log')]
  const [shop, desk] = [randomBytes(32), randomBytes(32)]
  const file = (text: string): void => writeFileSync(path, text, { mode: 0o600 })
  file(`# of partners\n\nshop ${shop.toString('base64')}\n`)
  const flags = {
    'gateway.proof_secrets': path,
    'gateway.require_proof': true,
    'log.level': 'trace',
    'log.file': log
  }
  const { node, ask, text } = await served(t, folder, flags)
  const post = (id: string, key: string, secret: Buffer) =>
    ask('/ams/v1/envelopes', { ...note(id), proofs: [hmacProof(note(id), key, secret)] })

  const taken = await post('e1', 'shop', shop)
  const refused = [await post('e2', 'shop', desk), await post('e2', 'desk', desk)]
  const bare = await ask('/ams/v1/envelopes', note('e2'))
  const health = (await ask('/ams/v1/health')).body.features

  assert.deepEqual([taken.status, taken.body.envelope.proofs.length], [201, 1])
  const message = 'proofs[0]: it does not verify with a secret of that name'
  for (const { status, body } of refused)
    assert.deepEqual([status, body.error, body.message], [400, 'bad_proof', message])
  assert.deepEqual([bare.status, bare.body.error], [400, 'no_proof'])
  assert.deepEqual(health, { require_proof: true, private: false, server_proof: false, hmac_proof: true })

  appendFileSync(path, `desk ${desk.toString('base64')}\n`)
  await until(async () => (await post('e3', 'desk', desk)).status === 201)
  file(`desk ${desk.toString('base64')}\n`)
  await until(async () => (await post(`e${randomBytes(4).toString('hex')}`, 'shop', shop)).status === 400)
  file(`nonsense\n`)
  await until(() => readFileSync(log, 'utf8').includes('"ProofSecretsRefused"'))
  assert.equal((await post('e4', 'desk', desk)).status, 201)

  const changes = async (): Promise<unknown[]> =>
    (await entriesIn(join(folder, 'data')))
      .filter(({ type }) => type === 'proof_secret')
      .map(({ data }) => [data['change'], data['name_sha256']])
  const named = (name: string): string => createHash('sha256').update(name).digest('hex')
  await until(async () => (await changes()).length === 3)
  assert.deepEqual(await changes(), [
    ['add', named('shop')],
    ['add', named('desk')],
    ['remove', named('shop')]
  ])

  const explained = JSON.stringify(explainConfig(loadConfig({ flags: { ...flags } })))
  const said = [
    explained,
    JSON.stringify(node.status()),
    await text('/openapi.json'),
    await text('/.well-known/ams-gateway-spec.json'),
    await text('/.well-known/ai-ams.json'),
    await text('/metrics'),
    await text('/ams/v1/envelopes?limit=200'),
    readFileSync(log, 'utf8')
  ].join('\n')
  for (const secret of [shop, desk])
    for (const form of ['base64', 'hex', 'base64url'] as const)
      assert.ok(!said.includes(secret.toString(form)), form)
  assert.match(said, /nonsense|line 1: give a name, a space and a secret in base64/)
})

const SECRET = 'c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2U='
const WRONG: readonly (readonly [what: string, content: string | Buffer, problem: RegExp])[] = [
  ['a secret without a name', SECRET, /line 1: give a name, a space and a secret in base64$/],
  ['three words', `a ${SECRET} b`, /line 1: give a name, a space and a secret/],
  ['a name that is none', `-a ${SECRET}`, /line 1: a name is 1 to 64 letters/],
  ['what is no base64', `# a\na ${SECRET.slice(0, -1)}!`, /line 2: the secret is no base64$/],
  ['a short secret', `a ${Buffer.alloc(31, 1).toString('base64')}`, /line 1: a secret has 32 to 256 bytes/],
  ['a long secret', `a ${Buffer.alloc(257, 1).toString('base64')}`, /line 1: a secret has 32 to 256 bytes/],
  ['one name twice', `a ${SECRET}\nb ${SECRET}\na ${SECRET}`, /line 3: this name is there before$/],
  [
    'too many',
    Array.from({ length: 257 }, (_, n) => `a${n} ${SECRET}`).join('\n'),
    /line 257: more than 256 secrets$/
  ],
  ['too much', Buffer.alloc(200_000, '#'), /larger than 131072 bytes/],
  ['no text', randomBytes(64).fill(0xff, 0, 4).fill(0x20, 4, 5).fill(0x41, 5), /line 1: /]
]

test('a node does not start on a file of secrets that cannot be used, and names the line and nothing of it', async t => {
  const folder = folderOf(t)
  const path = join(folder, 'secrets')
  const problem = async (): Promise<string> => {
    const error: unknown = await served(t, folder, { 'gateway.proof_secrets': path }).then(
      () => assert.fail('it started'),
      (failure: unknown) => failure
    )
    assert.ok(error instanceof Error && error.message.includes(path), String(error))
    assert.ok(!error.message.includes(SECRET.slice(0, 16)), error.message)
    return error.message
  }

  assert.match(await problem(), /does not exist/)
  writeFileSync(path, `a ${SECRET}`, { mode: 0o640 })
  assert.match(await problem(), /others may read .*chmod 600/)
  chmodSync(path, 0o600)
  for (const [what, content, expected] of WRONG) {
    writeFileSync(path, content)
    assert.match(await problem(), expected, what)
  }
  rmSync(path)
  mkdirSync(path)
  assert.match(await problem(), /not a regular file/)
})

/** A proof as a client makes it that has nothing of ours. */
const hmacProof = (envelope: Envelope, key: string, secret: Buffer) => ({
  alg: 'HMAC-SHA256',
  key,
  sig: createHmac('sha256', secret).update(proven(envelope)).digest('base64')
})

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise(resolve => void setTimeout(resolve, 50))
}

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'omnigate-proofs-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

async function served(t: TestContext, folder: string, flags: Record<string, unknown> = {}) {
  const node = await runningNode(t, {
    data: join(folder, 'data'),
    flags: { 'http.enabled': true, 'http.listen': '127.0.0.1:0', 'gateway.rate_limits': false, ...flags },
    // However busy the machine is, nothing is shed.
    options: { overrides: { env: {}, loopDelay: { tick: () => undefined, take: () => 0 } } }
  })
  const url = String(node.status().http)
  const ask = async (path: string, body?: object) => {
    const answer = await fetch(
      url + path,
      body && { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
    )
    // oxlint-disable-next-line typescript/no-explicit-any -- what a test asks for it knows
    return { status: answer.status, body: (await answer.json()) as any }
  }
  const text = async (path: string): Promise<string> => await (await fetch(url + path)).text()
  return { node, ask, text }
}
