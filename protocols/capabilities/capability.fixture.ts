// oxlint-disable-next-line no-restricted-imports -- of tests; the shipped code is handed its cryptography
import { hash, randomBytes, timingSafeEqual } from 'node:crypto'
import { xsalsa20poly1305 } from '@noble/ciphers/salsa.js'
import { chainKey } from './chain.ts'
import type { Caveat } from './caveat.ts'
import type { CapabilityUse } from './judge.ts'
import type { Macaroon } from './macaroon.ts'
import type { MacaroonCrypto } from './macaroon-crypto.ts'
import { mint } from './mint.ts'
import { encodeToken } from './token-codec.ts'
import type { Verifying } from './verify.ts'

export const crypto: MacaroonCrypto = {
  hmacSha256: (key, message) => sha256(padded(key, 0x5c), sha256(padded(key, 0x36), message)),
  sha256: bytes => sha256(bytes),
  equal: timingSafeEqual,
  randomBytes: length => randomBytes(length),
  seal: (key, nonce, plain) => xsalsa20poly1305(key, nonce).encrypt(plain),
  open: (key, nonce, sealed) => {
    try {
      return xsalsa20poly1305(key, nonce).decrypt(sealed)
    } catch {
      return undefined
    }
  }
}

function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  return hash('sha256', Buffer.concat(parts), 'buffer')
}

function padded(key: Uint8Array, pad: number): Uint8Array {
  const block = new Uint8Array(64).fill(pad)
  for (let i = 0; i < key.length; i++) block[i]! ^= key[i]!
  return block
}

export const HUB = `h1${'a'.repeat(52)}`
export const PEER = '12D3KooWGRUVh6wVnT6uyUCKmvLmTq7HGyrTHPFMFMVNWXQtSPrJ'
export const EXPIRES = 1_800_000_000
export const ends: Caveat = { key: 'expires', value: EXPIRES }

const identifier = {
  capId: '000102030405060708090a0b0c0d0e0f',
  kid: 3,
  tenant: '01020304-0506-0708-090a-0b0c0d0e0f10',
  subject: 'agent-7',
  iat: EXPIRES - 900
}
const ROOT_KEY = new Uint8Array(32).fill(7)

export const verifying: Verifying = {
  crypto,
  hub: HUB,
  keys: { current: 3, chainKey: kid => (kid === 3 ? chainKey(crypto, ROOT_KEY) : undefined) }
}

/** A token of `verifying`'s hub, minted with its root key or another. */
export const minted = (
  caveats: readonly Caveat[] = [],
  { kid = 3, rootKey = ROOT_KEY }: { kid?: number; rootKey?: Uint8Array } = {}
): Macaroon =>
  mint(crypto, { ...identifier, kid, hub: HUB, key: chainKey(crypto, rootKey), caveats: [ends, ...caveats] })

export const bytesOf = (macaroon: Macaroon, discharges: readonly Macaroon[] = []): Uint8Array =>
  encodeToken({ macaroon, discharges })

export const FIVE: readonly Caveat[] = [
  { key: 'verb', value: ['mailbox:send', 'mailbox:recv'] },
  { key: 'topic', value: ['dispatch/*'] },
  { key: 'peer', value: PEER },
  { key: 'rate', value: 50 }
]

export const use: CapabilityUse = {
  verb: 'mailbox:send',
  app: 0x0201,
  topic: 'dispatch/SF',
  bytes: 100,
  writes: true,
  tenantId: undefined,
  peer: PEER,
  hub: HUB,
  now: EXPIRES - 600
}
