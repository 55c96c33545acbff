import { constants } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import type { SecureContext } from 'node:tls'
import type { PrivateKey } from '@libp2p/interface'
import { generateCertificate } from '@libp2p/tls/utils'

/** A certificate is used for this long, then a new key takes its place. */
const ROTATE_AFTER_MS = 24 * 60 * 60 * 1000

/**
 * Yields a function that gives the TLS context of a node: a self-signed certificate that carries the node key's
 * signature over the certificate's own key. It is made on first use and anew once a day instead of for each handshake.
 * Sessions cannot be resumed: every connection proves both keys again.
 */
export function tlsIdentity(privateKey: PrivateKey): (now: number) => Promise<SecureContext> {
  let current: Promise<SecureContext> | undefined
  let madeAt = -Infinity
  return now => {
    if (current && now - madeAt < ROTATE_AFTER_MS) return current
    const made = createContext(privateKey)
    current = made
    madeAt = now
    made.catch(() => {
      if (current === made) current = undefined
    })
    return made
  }
}

async function createContext(privateKey: PrivateKey): Promise<SecureContext> {
  return createSecureContext({
    ...(await generateCertificate(privateKey)),
    minVersion: 'TLSv1.3',
    maxVersion: 'TLSv1.3',
    secureOptions: constants.SSL_OP_NO_TICKET
  })
}
