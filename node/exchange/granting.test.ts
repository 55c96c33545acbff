import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { randomBytes } from 'node:crypto'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import {
  EXCHANGE,
  LEAST_TREATY,
  delegate,
  emptyBook,
  formatSigned,
  hubId,
  learnKeyRevocation,
  publicBytes,
  revokeKey,
  signStatement,
  signingKey
} from '../../federation/index.ts'
import type { ExchangeStatement, Treaty } from '../../federation/index.ts'
import { OapError } from '../../protocols/index.ts'
import type { AllowedHub } from '../allowlist/index.ts'
import type { AuditEvent } from '../audit/index.ts'
import { NOW_S as CAP_NOW_S, hubCapabilities } from '../capabilities/capabilities.fixture.ts'
import { HUB } from '../capabilities/revocation.fixture.ts'
import { openLevel } from '../stores/level.ts'
import { FollowedHubs } from './followed-hubs.ts'
import { Granting } from './granting.ts'
import { HOME, capIdOf, revoker } from './news.fixture.ts'
import { NOW_S } from './news.fixture.ts'
import { Origins } from './origins.ts'
import { EMPTY_LIST, formatRevocation, headOf } from '../capabilities/revocation-statement.ts'

const SHARE = { id: 'aa'.repeat(16), name: 'dispatch' }
const HOME_KEY = signingKey(new Uint8Array(32).fill(21))
const BY = { actor: `hub:${HOME}` }
const AGENT = '12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN'

/** The hub that mints, and the word of the hub that asks. */
async function minting(change: Partial<Treaty> = {}) {
  const rights = await hubCapabilities()
  rights.pass(NOW_S - CAP_NOW_S)
  let ms = 0
  const now = () => ({ ms, s: rights.nowS() })
  const treaty: Treaty = {
    ...LEAST_TREATY,
    rows: [{ share: SHARE, dir: 'both', tenant: rights.tenant.id, topics: ['dispatch/**'], relay: false }],
    verbs: ['mailbox:send'],
    ...change
  }
  const entry = { treaty } as AllowedHub
  let allowed: AllowedHub | undefined = entry
  const store = await openLevel('memory')
  const followed = await FollowedHubs.open(() => store, { now })
  const origins = new Origins({ allowed: () => allowed, followed })
  rights.hub.judgeElsewhere(origins)
  const events: AuditEvent[] = []
  let book = emptyBook(HOME)
  const granting = new Granting({
    self: HUB,
    now,
    ways: new Map([['mailbox:send', 'in']]),
    allowed: () => allowed,
    bookOf: () => book,
    capabilities: rights.hub,
    followed,
    origins,
    record: async event => void events.push(event)
  })
  const nodeKey = await generateKeyPair('Ed25519')
  const key = signingKey(nodeKey.raw.subarray(0, 32))
  const link = delegate(HOME_KEY, {
    epoch: 1,
    hub: HOME,
    node: 'main',
    not_after: NOW_S + 86_400,
    not_before: NOW_S - 86_400,
    peer_id: peerIdFromPrivateKey(nodeKey).toString(),
    role: 'link'
  })
  const statement = (): ExchangeStatement => ({
    at: rights.nowS(),
    audience: HUB,
    cap_id: capIdOf(1),
    epoch: 1,
    expires: rights.nowS() + 600,
    hub: HOME,
    key: Buffer.from(publicBytes(key)).toString('hex'),
    kid: 1,
    nonce: randomBytes(16).toString('hex'),
    peer: AGENT,
    share: SHARE.id,
    topics: ['dispatch/a'],
    verbs: ['mailbox:send']
  })
  const ask = (says: Partial<ExchangeStatement> = {}, by = key) =>
    granting.exchange(
      { hub: HOME, delegation: link },
      Buffer.from(formatSigned(signStatement(EXCHANGE, by, { ...statement(), ...says }))),
      BY
    )
  const list = revoker(1)
  const speak = () =>
    followed.hear(HOME, {
      delegations: [list.delegation],
      statements: [],
      head: list.headAt({ seq: followed.seqOf(HOME), digest: head.digest }, rights.nowS())
    })
  let head = EMPTY_LIST
  await speak()
  return {
    ...rights,
    granting,
    followed,
    events,
    link,
    ask,
    key,
    speak,
    after: (seconds: number) => {
      rights.pass(seconds)
      ms += seconds * 1000
    },
    allow: (treatyNow: Treaty | undefined) => void (allowed = treatyNow && { ...entry, treaty: treatyNow }),
    treaty,
    revokeLink: () => {
      const revocation = revokeKey(HOME_KEY, {
        at: rights.nowS(),
        hub: HOME,
        key: Buffer.from(publicBytes(key)).toString('hex'),
        reason: ''
      })
      const learned = learnKeyRevocation(book, revocation, rights.nowS())
      assert.equal(learned.verdict, 'new')
      if (learned.verdict === 'new') book = learned.book
    },
    revoke: async (thing: Parameters<typeof list.revoke>[0][0]) => {
      const statements = list.revoke([thing], head)
      head = headOf(statements[0]!.statement.seq, formatRevocation(statements[0]!))
      await followed.hear(HOME, { delegations: [], statements, head: undefined })
    }
  }
}

const reasonOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'none',
    (error: unknown) => {
      if (!(error instanceof OapError)) throw error
      return error.reason ?? error.code
    }
  )

describe('a token for a right of another hub', () => {
  test('is refused by name for each way in which a statement is not good here', async () => {
    const hub = await minting()
    const other = signingKey(randomBytes(32))
    const wrong: readonly (readonly [Partial<ExchangeStatement>, string])[] = [
      [{ hub: hubId(publicBytes(other)) }, 'hub'],
      [{ key: Buffer.from(publicBytes(other)).toString('hex') }, 'key'],
      [{ epoch: 2 }, 'key'],
      [{ at: NOW_S - 86_401 }, 'time'],
      [{ audience: HOME }, 'audience'],
      [{ at: NOW_S - 61 }, 'clock'],
      [{ expires: NOW_S }, 'expires'],
      [{ share: 'bb'.repeat(16) }, 'share'],
      [{ verbs: ['mailbox:recv'] }, 'verb'],
      [{ topics: ['other'] }, 'topic']
    ]

    for (const [says, reason] of wrong) assert.equal(await reasonOf(hub.ask(says)), reason)

    assert.equal(await reasonOf(hub.ask({}, other)), 'signature')
    const link = { hub: HOME, delegation: hub.link }
    assert.equal(await reasonOf(hub.granting.exchange(link, Buffer.from('{}'), BY)), 'malformed')
    assert.equal(await reasonOf(hub.granting.exchange(link, new Uint8Array(8193), BY)), 'malformed')
    const told = hub.events.map(({ content }) => content.data['code'])
    assert.deepEqual(told, [...wrong.map(([, reason]) => reason), 'signature', 'malformed', 'malformed'])
    assert.equal(hub.minted.size, 0)
  })

  test('is not given out for a statement of a key that its hub has revoked', async () => {
    const hub = await minting()
    hub.revokeLink()

    assert.equal(await reasonOf(hub.ask()), 'revoked')
  })

  test('is given out once for a statement', async () => {
    const hub = await minting()
    const nonce = 'ab'.repeat(16)

    assert.equal(await reasonOf(hub.ask({ nonce })), 'none')

    assert.equal(await reasonOf(hub.ask({ nonce })), 'replayed')
    hub.after(50)
    assert.equal(await reasonOf(hub.ask({ nonce })), 'replayed')
    assert.equal(await reasonOf(hub.ask()), 'none')
  })

  test('is not given out, and no good any more, once its hub has been silent for a minute', async () => {
    const hub = await minting()
    const { token } = await hub.ask()
    const withdrawn = () => hub.hub.withdrawal(hub.verify(token))
    assert.equal(withdrawn(), undefined)
    hub.after(59)
    assert.equal(withdrawn(), undefined)

    hub.after(1)

    assert.deepEqual([withdrawn()?.code, withdrawn()?.reason], ['cap_revoked', 'head'])
    assert.equal(await reasonOf(hub.ask()), 'head')
    await hub.speak()
    assert.equal(withdrawn(), undefined)
    assert.equal(await reasonOf(hub.ask()), 'none')
  })

  test('falls with what its hub revokes: the right, its root key, its subject; and is not given out again', async () => {
    for (const [thing, reason] of [
      [{ cap_id: capIdOf(1) }, 'cap_id'],
      [{ kid: 1 }, 'kid'],
      [{ subject: 'agent-7' }, 'subject']
    ] as const) {
      const hub = await minting()
      const { token } = await hub.ask({ subject: 'agent-7' })
      const other = await hub.ask({ cap_id: capIdOf(2), kid: 2, subject: 'agent-8' })

      await hub.revoke(thing)

      assert.equal(hub.hub.withdrawal(hub.verify(token))?.reason, reason)
      assert.equal(hub.hub.withdrawal(hub.verify(other.token)), undefined)
      assert.equal(await reasonOf(hub.ask({ subject: 'agent-7' })), reason)
    }
  })

  test('falls with the treaty, also when another comes in its place', async () => {
    const hub = await minting()
    const { token } = await hub.ask()
    const withdrawn = () => hub.hub.withdrawal(hub.verify(token))?.reason

    hub.allow({ ...hub.treaty, window_s: 61 })
    assert.equal(withdrawn(), 'treaty')
    hub.allow(undefined)
    assert.equal(withdrawn(), 'treaty')
    assert.equal(await reasonOf(hub.ask()), 'expires')
    hub.allow({ ...hub.treaty })
    assert.equal(withdrawn(), undefined)
  })

  test('falls when nothing is known of the right that it stands in for', async () => {
    const hub = await minting()
    const { token, expires } = await hub.ask()

    await hub.minted.forget(expires)

    assert.equal(hub.hub.withdrawal(hub.verify(token))?.reason, 'origin')
  })

  test('is given out twenty times at once, and then five times a second', async () => {
    const hub = await minting()
    for (let n = 0; n < 20; n++) assert.equal(await reasonOf(hub.ask()), 'none')

    assert.equal(await reasonOf(hub.ask()), 'quota_capability')

    hub.after(1)
    for (let n = 0; n < 5; n++) assert.equal(await reasonOf(hub.ask()), 'none')
    assert.equal(await reasonOf(hub.ask()), 'quota_capability')
  })
})
