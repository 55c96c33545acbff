import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { OapError, capabilitiesService, mailboxService } from 'omnigate/protocols'
import { connect } from 'omnigate/sdk'
import { msSince, must, tell } from './told.ts'
import type { Hub } from './hub.ts'

const WITHIN_MS = 1000
const MESSAGE = { topic: 'dispatch/rights', body: Buffer.from('by an agent of another hub') }

/** An agent of one hub works at the others with what they give it for its own right, until that is revoked at home. */
export async function rights(home: Hub, others: readonly Hub[]): Promise<void> {
  const privateKey = await generateKeyPair('Ed25519')
  const peer = peerIdFromPrivateKey(privateKey).toString()
  const { cap_id, body: cap } = await home.operator.capabilities.cap_mint({
    verb: 'cap:obtain,mailbox:send',
    topic: 'dispatch/**',
    tenant: 'default',
    peer
  })
  const { kid, previous } = await home.operator.capabilities.cap_rotate({ grace_s: 3600 })
  await using atHome = await connect(home.address, { privateKey, cap: cap! })
  const clients = []
  for (const other of others) {
    const request = { hub: other.id, verb: 'mailbox:send', topic: MESSAGE.topic }
    const { body: token } = await atHome.client(capabilitiesService).obtain(request)
    clients.push(await connect(other.address, { privateKey, cap: token! }))
  }
  try {
    for (const client of clients) await client.client(mailboxService).send(MESSAGE)
    tell(
      'rights',
      `an agent of ${home.name} sends at ${others.map(({ name }) => name).join(' and ')} with tokens that they gave for its own, also after root key ${previous} became ${kid}`
    )
    await home.operator.capabilities.cap_revoke({ cap_id })
    const since = performance.now()
    for (const client of clients)
      await refused(() => client.client(mailboxService).send(MESSAGE), since + WITHIN_MS)
    tell('revoked', `at ${home.name}; every hub refuses it ${msSince(since)} later`)
  } finally {
    for (const client of clients) await client[Symbol.asyncDispose]()
  }
}

/** Calls until it is refused as revoked. Rejects where that is not so by the moment `byMs`. */
async function refused(call: () => Promise<unknown>, byMs: number): Promise<void> {
  while (performance.now() < byMs)
    try {
      await call()
    } catch (error) {
      if (error instanceof OapError && error.code === 'cap_revoked') return
      throw error
    }
  must(false, `what is revoked is refused everywhere within ${WITHIN_MS} ms`)
}
