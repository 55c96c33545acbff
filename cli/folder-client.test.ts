import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { echoService, inspectToken, mailboxService, storageService } from '../protocols/index.ts'
import { directClient, loadConfig, openStopped } from '../node/index.ts'
import { FIRST_VERBS, folderClient } from './folder-client.ts'
import type { FolderClientOptions } from './folder-client.ts'
import { makeDataFolder } from './new-data-folder.ts'

const ADDRESS = '/ip4/127.0.0.1/tcp/4801'
const TTL_S = 3600
const RENEWABLE_S = 30 * 86_400

async function hub(t: TestContext) {
  const top = await mkdtemp(join(tmpdir(), 'omnigate-first-'))
  t.after(() => rm(top, { recursive: true }))
  const data = join(top, "it's a hub")
  await makeDataFolder(data, 'node1')
  const stopped = await openStopped(data, { config: loadConfig().config })
  t.after(() => stopped[Symbol.asyncDispose]())
  const operator = directClient(stopped.capabilities)
  const begin = (options: Partial<FolderClientOptions> = {}) => {
    const nowS = Math.floor(Date.now() / 1000)
    return folderClient(data, {
      operator,
      address: ADDRESS,
      ttlS: TTL_S,
      renewableS: RENEWABLE_S,
      nowS,
      mayMake: true,
      ...options
    })
  }
  const file = (name: string) => join(data, 'client', name)
  const token = () => readFile(file('token'), 'utf8')
  return { capabilities: stopped.capabilities, operator, begin, file, token }
}

test('makes a key and a token that is good for calls of this key', async t => {
  const { operator, begin, token, file } = await hub(t)

  const client = await begin()

  const body = Buffer.from(await token(), 'base64url')
  const verdict = (peer: string) => operator.cap_verify({ verb: 'echo:call', app: 1, peer, body })
  assert.deepEqual(await verdict(client!.peerId), { allowed: true })
  assert.equal((await verdict('another')).allowed, false)
  for (const name of ['key', 'token', 'env']) assert.equal((await stat(file(name))).mode & 0o777, 0o600, name)
})

test('its token is one that the hub renews, for a month', async t => {
  const { capabilities, begin, token } = await hub(t)
  const nowS = Math.floor(Date.now() / 1000)

  const { peerId } = (await begin({ nowS }))!
  const first = inspectToken(Buffer.from(await token(), 'base64url'))
  const renewed = await capabilities.renew(first, peerId)

  assert.equal(first.limits.renewUntil, nowS + RENEWABLE_S)
  assert.deepEqual(inspectToken(renewed.token).limits.renewUntil, first.limits.renewUntil)
})

test('what a first client may call is all of the echo, the mailbox and storage', () => {
  const verbs = [echoService, mailboxService, storageService].flatMap(({ app, operations }) =>
    Object.values<{ readonly verb: string }>(operations).map(({ verb }) => `${verb} ${app}`)
  )

  assert.deepEqual(
    FIRST_VERBS.map(([verb, app]) => `${verb} ${app}`).toSorted(),
    [...new Set(verbs)].toSorted()
  )
})

test('mints once, for as long as the token is good', async t => {
  const { begin, token } = await hub(t)
  const first = await begin()
  const text = await token()

  const second = await begin()

  assert.deepEqual(second, first)
  assert.equal(await token(), text)
})

for (const [what, spoil] of [
  ['has expired', async () => ({ nowS: Math.floor(Date.now() / 1000) + TTL_S })],
  ['was revoked', async ({ operator }: Hub) => void (await operator.cap_rotate({ break_glass: true }))],
  ['is damaged', async ({ file }: Hub) => rm(file('token'))]
] as const) {
  test(`mints another when the token ${what}, if it may`, async t => {
    const spoiled = await hub(t)
    const first = await spoiled.begin()
    const text = await spoiled.token()

    const at = (await spoil(spoiled)) ?? {}
    const without = await spoiled.begin({ ...at, mayMake: false })
    const second = await spoiled.begin(at)

    assert.equal(without, undefined)
    assert.equal(second?.peerId, first?.peerId)
    assert.notEqual(await spoiled.token(), text)
  })
}

type Hub = Awaited<ReturnType<typeof hub>>

test('makes nothing where it may not', async t => {
  const { begin, file } = await hub(t)

  assert.equal(await begin({ mayMake: false }), undefined)
  await assert.rejects(stat(file('key')), { code: 'ENOENT' })
})

test('writes what a shell sets, in quotes where the path needs them', async t => {
  const { begin, file } = await hub(t)

  const { env } = (await begin())!

  const quoted = (path: string) => `'${path.replaceAll("'", `'\\''`)}'`
  assert.deepEqual((await readFile(env, 'utf8')).split('\n').slice(1), [
    `export RON_NODE_URL=${ADDRESS}`,
    `export OMNIGATE_CLIENT_KEY=${quoted(file('key'))}`,
    `export RON_CAP="$(cat ${quoted(file('token'))})"`,
    ''
  ])
})
