import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import type { TestContext } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { connectAdmin } from '../node/index.ts'
import { inspectToken } from '../protocols/index.ts'
import type { ClientOptions } from './create-client.ts'
import { addressOf, endings, hubClient, runningNode } from './hub.fixture.ts'
import type { Hub } from './hub.ts'
import { CapabilityError } from './index.ts'
import { ManualTime } from './manual-time.fixture.ts'

const ECHO = 0x0001
const HELLO = Buffer.from('hello')
const TTL_S = 900
const LOCAL = { actor: 'local' }
const CALLERS = 8

/** A node that wants capabilities, a client with one for echo, and the client's clock; `pass` moves the node's, too. */
async function setting(
  t: TestContext,
  { mint = {}, client = {} }: { readonly mint?: object; readonly client?: Partial<ClientOptions> } = {}
) {
  const top = await mkdtemp(join(tmpdir(), 'omnigate-rotation-'))
  endings(t).defer(() => rm(top, { recursive: true, force: true }))
  const data = join(top, 'hub')
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() })
  const node = await runningNode(t, { 'capabilities.openVerbs': [] }, { data, init: true })
  const key = await generateKeyPair('Ed25519')
  const peer = peerIdFromPrivateKey(key).toString()
  const nowS = Math.floor(Date.now() / 1000)
  const minting = {
    verb: 'echo:call',
    tenant: 'default',
    peer,
    ttl_s: TTL_S,
    renew_until: nowS + 86_400,
    ...mint
  }
  const minted = async (): Promise<Uint8Array> => (await node.capabilities().mint(minting, LOCAL)).token
  const cap = await minted()
  const time = new ManualTime(Date.now())
  const hub = await hubClient(t, { url: addressOf(node), key, cap, ...client }, time)
  const pass = (ms: number): void => {
    t.mock.timers.setTime(Date.now() + ms)
    time.pass(ms)
  }
  return { node, data, hub, key, cap, time, pass, minted }
}

/** Calls as fast as they are answered, until told to stop; gives how many there were. */
function load(hub: Hub) {
  let isOver = false
  let made = 0
  const callers = Array.from({ length: CALLERS }, async () => {
    while (!isOver) {
      await hub.call(ECHO, 'echo', HELLO)
      made++
    }
  })
  const ending = Promise.all(callers)
  ending.catch(() => undefined)
  const more = async (): Promise<void> => {
    const before = made
    while (made < before + 10 * CALLERS) await Promise.race([turn(), ending])
  }
  const end = async (): Promise<number> => {
    isOver = true
    await ending
    return made
  }
  return { more, end }
}

const kidOf = (hub: Hub): number => inspectToken(hub.cap!).kid

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await turn()
}

/** The same where something waits a little first; longer waits, such as deadlines, are let be. */
function passing(time: ManualTime, holds: () => boolean): Promise<void> {
  return until(() => {
    const [next = Infinity] = time.waiting
    if (next <= 5000) time.pass(next)
    return holds()
  })
}

test(
  'a rotation of the root key under load costs no call; the audit log shows it',
  { timeout: 120_000 },
  async t => {
    const { node, data, hub, pass } = await setting(t)
    const calling = load(hub)
    await calling.more()

    await node.capabilities().rotate({}, LOCAL)
    await calling.more()
    assert.equal(kidOf(hub), 1)
    pass((TTL_S * 1000 * 2) / 3)
    await until(() => kidOf(hub) === 2)
    await calling.more()

    assert.ok((await calling.end()) >= 3 * 10 * CALLERS)
    assert.deepEqual(
      (await auditTypes(data)).filter(type => /mint|rotate|renew/.test(type)),
      ['mint', 'rotate', 'renew']
    )
  }
)

async function auditTypes(data: string): Promise<string[]> {
  await using admin = await connectAdmin(data)
  const { body } = await admin.audit.log.entries({ from: 0 })
  let lines = ''
  for await (const piece of body) lines += Buffer.from(piece).toString()
  return lines
    .split('\n')
    .filter(line => line !== '')
    .map(line => (JSON.parse(line) as { type: string }).type)
}

test('renews at two thirds of life and again at two thirds of the next', async t => {
  const { hub, time, cap, pass } = await setting(t)
  const [first] = time.waiting
  const { iat } = inspectToken(cap)
  assert.equal(Math.round((time.wall() + first!) / 1000), Math.round(iat + (TTL_S * 2) / 3))

  pass(first!)
  await until(() => hub.cap !== cap)
  await turn()

  const { expires } = inspectToken(hub.cap!).limits
  const left = expires * 1000 - time.wall()
  // The hub says its time in whole seconds.
  assert.ok(Math.abs(time.waiting[0]! - (left * 2) / 3) < 1000)
})

test('waits for a renewal that is far off in steps that a timer holds', async t => {
  const dayS = 86_400
  const nowS = Math.floor(Date.now() / 1000)
  const { hub, time, cap, pass } = await setting(t, { mint: { ttl_s: dayS, renew_until: nowS + 2 * dayS } })
  assert.deepEqual(time.waiting, [3_600_000])

  pass(dayS * 600)
  assert.equal(hub.cap, cap)
  pass(dayS * 100)
  await until(() => hub.cap !== cap)
})

test('a token that its hub may not renew is left alone', async t => {
  const { time } = await setting(t, { mint: { renew_until: undefined } })

  assert.deepEqual(time.waiting, [])
})

test('a renewal that fails is told, and calls go on with what there is', async t => {
  const failures: unknown[] = []
  const { node, hub, pass, cap } = await setting(t, {
    client: { onRenewalFailure: error => failures.push(error) }
  })
  await node.capabilities().revoke({ cap_id: inspectToken(cap).capId }, undefined, LOCAL)

  pass(TTL_S * 1000)
  await until(() => failures.length > 0)

  assert.ok(failures[0] instanceof CapabilityError)
  assert.equal(failures[0].code, 'cap_revoked')
  assert.equal(hub.cap, cap)
})

test('refresh brings the first capability, and another for one that is refused', async t => {
  const { node, key, minted } = await setting(t)
  const asked: (Uint8Array | undefined)[] = []
  const refresh = ({ cap }: { readonly cap: Uint8Array | undefined }): Promise<Uint8Array> => {
    asked.push(cap)
    return minted()
  }
  const hub = await hubClient(t, { url: addressOf(node), key, refresh })
  const first = hub.cap
  await node.capabilities().revoke({ cap_id: inspectToken(first!).capId }, undefined, LOCAL)

  assert.equal((await hub.call(ECHO, 'echo', HELLO)).text(), 'hello')

  assert.deepEqual(asked, [undefined, first])
})

test('events are opened under the capability that came for one that was refused', async t => {
  const { node, key, minted } = await setting(t)
  const hub = await hubClient(t, { url: addressOf(node), key, refresh: minted })
  await node.capabilities().revoke({ cap_id: inspectToken(hub.cap!).capId }, undefined, LOCAL)

  let seen = 0
  for await (const _ of await hub.events(ECHO, 'ticks', { count: 3 })) seen++

  assert.equal(seen, 3)
})

test('a capability that does not do is refused at once, where nothing brings another', async t => {
  const { node, hub, cap } = await setting(t)
  await node.capabilities().revoke({ cap_id: inspectToken(cap).capId }, undefined, LOCAL)

  await assert.rejects(hub.call(ECHO, 'echo', HELLO), error => {
    assert.ok(error instanceof CapabilityError)
    assert.equal(error.code, 'cap_revoked')
    return true
  })
})

test('a subscription whose capability dies goes on under the next', { timeout: 120_000 }, async t => {
  const { node, key, minted } = await setting(t, { mint: { verb: 'mailbox:send,mailbox:recv' } })
  const hub = await hubClient(t, { url: addressOf(node), key, refresh: minted })
  const first = inspectToken(hub.cap!).capId
  const seen: string[] = []
  const receiving = (async () => {
    for await (const delivery of hub.mailbox.subscribe('jobs')) {
      await delivery.ack()
      if (seen.push(delivery.text()) === 2) return
    }
  })()
  await hub.mailbox.send('jobs', 'one')
  await until(() => seen.length === 1)

  await node.capabilities().revoke({ cap_id: first }, undefined, LOCAL)
  await hub.mailbox.send('jobs', 'two')
  await receiving

  assert.deepEqual(seen, ['one', 'two'])
  assert.notEqual(inspectToken(hub.cap!).capId, first)
})

test('an idle subscription outlives each capability that dies', { timeout: 120_000 }, async t => {
  const { node, key, minted } = await setting(t, { mint: { verb: 'mailbox:send,mailbox:recv' } })
  const hub = await hubClient(t, { url: addressOf(node), key, refresh: minted })
  const received = Promise.withResolvers<string>()
  const receiving = (async () => {
    for await (const delivery of hub.mailbox.subscribe('jobs')) {
      await delivery.ack()
      received.resolve(delivery.text())
      break
    }
  })()
  receiving.catch(received.reject)

  for (let death = 1; death <= 4; death++) {
    const { capId } = inspectToken(hub.cap!)
    await node.capabilities().revoke({ cap_id: capId }, undefined, LOCAL)
    await until(() => inspectToken(hub.cap!).capId !== capId)
  }
  await hub.mailbox.send('jobs', 'at last')

  assert.equal(await received.promise, 'at last')
  await receiving
})

test('an idle subscription outlives a refresh that fails, or is too early', { timeout: 120_000 }, async t => {
  const { node, key, minted } = await setting(t, { mint: { verb: 'mailbox:send,mailbox:recv' } })
  const time = new ManualTime(Date.now())
  const brought: (() => Promise<Uint8Array> | Uint8Array)[] = []
  const refresh = async (): Promise<Uint8Array> => (brought.shift() ?? minted)()
  const hub = await hubClient(t, { url: addressOf(node), key, refresh }, time)
  const opened: bigint[] = []
  const ended = (async () => {
    for await (const _ of hub.mailbox.subscribe('jobs', { onOpen: id => opened.push(id) })) break
  })()
  await until(() => opened.length === 1)
  const first = hub.cap!
  brought.push(
    () => Promise.reject(new Error('not now')),
    () => first
  )

  await node.capabilities().revoke({ cap_id: inspectToken(first).capId }, undefined, LOCAL)
  await Promise.race([passing(time, () => opened.length === 2), ended])
  await hub.mailbox.send('jobs', 'at last')

  await ended
  assert.deepEqual([opened.length, brought.length], [2, 0])
})

test('an idle subscription outlives each capability that was renewed', { timeout: 120_000 }, async t => {
  const { node, hub, time, pass } = await setting(t, { mint: { verb: 'mailbox:send,mailbox:recv' } })
  const received = Promise.withResolvers<string>()
  const opened: bigint[] = []
  const receiving = (async () => {
    for await (const delivery of hub.mailbox.subscribe('jobs', { onOpen: id => opened.push(id) })) {
      await delivery.ack()
      received.resolve(delivery.text())
      break
    }
  })()
  receiving.catch(received.reject)

  await until(() => opened.length === 1)
  const untilRenewalMs = (TTL_S * 1000 * 2) / 3
  for (let withdrawal = 1; withdrawal <= 3; withdrawal++) {
    const { cap } = hub
    await node.capabilities().rotate({ graceMs: untilRenewalMs + 30_000 }, LOCAL)
    pass(untilRenewalMs)
    await until(() => hub.cap !== cap)
    pass(31_000)
    await node.capabilities().tidy()
    // It waits a little before it subscribes anew.
    await passing(time, () => opened.length > withdrawal)
  }
  await hub.mailbox.send('jobs', 'at last')

  assert.equal(await received.promise, 'at last')
  await receiving
})

test('a subscription that ends says why in its class, with its call', { timeout: 120_000 }, async t => {
  const { node, hub, cap } = await setting(t, { mint: { verb: 'mailbox:send,mailbox:recv' } })
  const ended = (async () => {
    for await (const delivery of hub.mailbox.subscribe('jobs')) await delivery.ack()
  })()
  ended.catch(() => undefined)
  await hub.mailbox.send('jobs', 'one')

  await node.capabilities().revoke({ cap_id: inspectToken(cap).capId }, undefined, LOCAL)

  await assert.rejects(ended, error => {
    assert.ok(error instanceof CapabilityError)
    assert.equal(error.name, 'CapabilityError')
    assert.ok(error.corrId! > 0n)
    return true
  })
})

test('a subscription that is refused anew with each capability ends', { timeout: 120_000 }, async t => {
  const { node, key, minted } = await setting(t, { mint: { verb: 'echo:call' } })
  const hub = await hubClient(t, { url: addressOf(node), key, refresh: minted })

  await assert.rejects(
    (async () => {
      for await (const _ of hub.mailbox.subscribe('jobs')) assert.fail()
    })(),
    { code: 'cap_denied' }
  )
})
