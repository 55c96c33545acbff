import assert from 'node:assert/strict'
import { once } from 'node:events'
import { duplexPair } from 'node:stream'
import { describe, test } from 'node:test'
import { connect, TLSSocket } from 'node:tls'
import type { SecureContext } from 'node:tls'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { verifyPeerCertificate } from '@libp2p/tls/utils'
import { tlsIdentity } from './tls-identity.ts'

const DAY_MS = 24 * 60 * 60 * 1000

void describe('TLS identity', () => {
  void test('shows every peer of a day one certificate, and another the next day', async () => {
    const identity = tlsIdentity(await generateKeyPair('Ed25519'))

    const [first, same, next] = [identity(0), identity(DAY_MS - 1), identity(DAY_MS)]

    assert.equal(await first, await same)
    assert.notDeepEqual(await certificateOf(await first), await certificateOf(await next))
  })

  void test('carries a signature of the node key that libp2p accepts', async () => {
    const privateKey = await generateKeyPair('Ed25519')

    const certificate = await certificateOf(await tlsIdentity(privateKey)(0))

    const peer = await verifyPeerCertificate(certificate)
    assert.equal(String(peer), String(peerIdFromPrivateKey(privateKey)))
  })

  void test('does not resume a session', async () => {
    const secureContext = await tlsIdentity(await generateKeyPair('Ed25519'))(0)
    const first = await handshake(secureContext)

    const second = await handshake(secureContext, first.session)

    assert.ok(first.session)
    assert.equal(second.isReused, false)
  })
})

async function certificateOf(secureContext: SecureContext): Promise<Buffer> {
  return (await handshake(secureContext)).certificate
}

async function handshake(secureContext: SecureContext, session?: Buffer) {
  const [ours, theirs] = duplexPair()
  const server = new TLSSocket(theirs, {
    isServer: true,
    secureContext,
    requestCert: true,
    rejectUnauthorized: false
  })
  const client = connect({
    socket: ours,
    secureContext,
    rejectUnauthorized: false,
    ...(session && { session })
  })
  const issued = once(client, 'session') as Promise<[Buffer]>
  server.write('!')
  await once(client, 'data')
  const result = {
    certificate: client.getPeerCertificate().raw,
    isReused: client.isSessionReused(),
    session: session ?? (await issued)[0]
  }
  client.destroy()
  server.destroy()
  return result
}
