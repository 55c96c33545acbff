import assert from 'node:assert/strict'
import { test } from 'node:test'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { connectAdmin } from 'omnigate'
import { OapError, capabilitiesService, mailboxService } from 'omnigate/protocols'
import { connect } from 'omnigate/sdk'
import { Hub } from './hub.ts'

const SHARE = { id: '0123456789abcdef0123456789abcdef', name: 'dispatch' }
const MESSAGE = { topic: 'dispatch/a', body: Buffer.from('from another hub') }

type Operator = Awaited<ReturnType<typeof connectAdmin>>

/** Gives `other` a treaty with the share of the first tenant of a hub. */
async function share(
  { federation, capabilities }: Operator,
  other: Hub,
  addresses: readonly string[]
): Promise<void> {
  const { id } = await capabilities.tenant_show({ tenant: 'default' })
  const row = { share: SHARE, dir: 'both', tenant: id, topics: ['dispatch/**'], relay: false }
  const treaty = JSON.stringify({ rows: [row], verbs: ['cap:exchange', 'mailbox:send'] })
  await federation.peer_add({ hub: other.id, addresses, body: Buffer.from(treaty) })
}

/** A capability for an agent. */
async function minted({ capabilities }: Operator, peer: string): Promise<{ capId: string; cap: Uint8Array }> {
  const asked = { verb: 'cap:obtain,mailbox:send', topic: 'dispatch/**', tenant: 'default', peer }
  const { cap_id, body } = await capabilities.cap_mint(asked)
  return { capId: cap_id, cap: body! }
}

/** A token of `there` in exchange for one of `here`. */
async function exchanged(here: Hub, there: Hub, privateKey: PrivateKey, cap: Uint8Array) {
  await using home = await connect(here.address, { privateKey, cap })
  const request = { hub: there.id, verb: 'mailbox:send', topic: 'dispatch/a' }
  const { body, ...facts } = await home.client(capabilitiesService).obtain(request)
  return { ...facts, cap: body! }
}

/** What a revocation may still let through at the other hub: less than a second of calls one after the other. */
const MOST_CALLS = 200

/** Why one of so many calls, one after the other, is refused, and how long after the first that was. */
async function refused(call: () => Promise<unknown>, mostCalls: number): Promise<[string, number]> {
  const since = performance.now()
  for (let n = 0; n < mostCalls; n++) {
    try {
      await call()
    } catch (error) {
      if (error instanceof OapError) return [`${error.code} ${error.reason}`, performance.now() - since]
      throw error
    }
  }
  throw new Error(`none of ${mostCalls} calls was refused`)
}

test('an agent of one process calls the other with an exchanged token, until its own hub revokes the right', async t => {
  await using a = await Hub.start()
  await using b = await Hub.start()
  await using home = await connectAdmin(a.data)
  {
    await using elsewhere = await connectAdmin(b.data)
    await share(elsewhere, a, [])
    await share(home, b, [b.address])
  }
  await Promise.all([a.link(b, 'up'), b.link(a, 'up')])
  const privateKey = await generateKeyPair('Ed25519')
  const peer = peerIdFromPrivateKey(privateKey).toString()
  const [right, other] = [await minted(home, peer), await minted(home, peer)]

  const [token, kept] = [
    await exchanged(a, b, privateKey, right.cap),
    await exchanged(a, b, privateKey, other.cap)
  ]

  assert.ok(token.addresses.includes(b.address))
  await using there = await connect(token.addresses[0]!, { privateKey, cap: token.cap })
  await using still = await connect(b.address, { privateKey, cap: kept.cap })
  const { send } = there.client(mailboxService)
  assert.match((await send(MESSAGE)).msg_id, /./)

  await home.capabilities.cap_revoke({ cap_id: right.capId })
  const [why, ms] = await refused(() => send(MESSAGE), MOST_CALLS)

  t.diagnostic(`revoked at one hub, refused at the other ${ms.toFixed(1)} ms after it was answered`)
  assert.equal(why, 'cap_revoked cap_id')
  assert.match((await still.client(mailboxService).send(MESSAGE)).msg_id, /./)
  await b.kill()
  await b.run()
  await using restarted = await connect(b.address, { privateKey, cap: token.cap })
  const [afterRestart] = await refused(() => restarted.client(mailboxService).send(MESSAGE), 1)
  assert.equal(afterRestart, 'cap_revoked cap_id')
})
