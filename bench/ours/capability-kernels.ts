import { createHmac, timingSafeEqual } from 'node:crypto'
import { nodeMacaroonCrypto as crypto } from 'omnigate'
import { chainKey, encodeToken, mint, refusalOf, verifyToken } from 'omnigate/protocols'
import type { CapabilityUse, Macaroon, MacaroonCrypto, Verifying } from 'omnigate/protocols'
import type { Kernel } from '../harness/kernel.ts'

/** Tokens in turn, so that nothing is measured that only holds for the token before. */
const TOKENS = 64
const NOW = 1_800_000_000
const HUB = `h1${'a'.repeat(52)}`
const PEER = '12D3KooWGRUVh6wVnT6uyUCKmvLmTq7HGyrTHPFMFMVNWXQtSPrJ'
const KEY = chainKey(crypto, new Uint8Array(32).fill(7))

const VERIFYING: Verifying = { crypto, hub: HUB, keys: { current: 1, chainKey: () => KEY } }
const USE: CapabilityUse = {
  verb: 'mailbox:send',
  app: 0x0201,
  topic: 'dispatch/SF',
  bytes: 256,
  writes: true,
  tenantId: undefined,
  peer: PEER,
  hub: HUB,
  now: NOW
}

/** One token with five caveats, as a client that is bound to its peer has one. */
const token = (n: number): Macaroon =>
  mint(crypto, {
    hub: HUB,
    key: KEY,
    capId: n.toString(16).padStart(32, '0'),
    kid: 1,
    tenant: '01020304-0506-0708-090a-0b0c0d0e0f10',
    subject: 'agent-7',
    iat: NOW - 60,
    caveats: [
      { key: 'verb', value: ['mailbox:send', 'mailbox:recv'] },
      { key: 'topic', value: ['dispatch/*'] },
      { key: 'expires', value: NOW + 840 },
      { key: 'peer', value: PEER },
      { key: 'rate', value: 50 + n }
    ]
  })

type Hmac = MacaroonCrypto['hmacSha256']

export function capabilityKernels(): readonly Kernel[] {
  const macaroons = Array.from({ length: TOKENS }, (_, n) => token(n))
  const tokens = macaroons.map(macaroon => encodeToken({ macaroon, discharges: [] }))
  return [
    { name: 'verify', run: () => tokens.forEach(verifyAndJudge) ?? TOKENS },
    chain('bare chain', crypto.hmacSha256, macaroons),
    chain('createHmac chain', (key, message) => createHmac('sha256', key).update(message).digest(), macaroons)
  ]
}

/** From the bytes of a frame to the verdict, with nothing remembered. */
function verifyAndJudge(bytes: Uint8Array): void {
  if (refusalOf(verifyToken(bytes, VERIFYING), USE) !== undefined) throw new Error('a good token was refused')
}

/** What no verification can do without: the links, and the comparison of the last. */
function chain(name: string, hmac: Hmac, macaroons: readonly Macaroon[]): Kernel {
  const walk = ({ identifier, caveats, signature }: Macaroon): void => {
    let link = hmac(KEY, identifier)
    for (const caveat of caveats) link = hmac(link, caveat.identifier)
    if (!timingSafeEqual(link, signature)) throw new Error(`${name}: the chain does not end in its signature`)
  }
  return { name, run: () => macaroons.forEach(walk) ?? TOKENS }
}

/** Microseconds of each of `count` verifications, one by one. */
export function verifyMicros(count: number): Float64Array {
  const tokens = Array.from({ length: TOKENS }, (_, n) => encodeToken({ macaroon: token(n), discharges: [] }))
  return Float64Array.from({ length: count }, (_, i) => {
    const started = process.hrtime.bigint()
    verifyAndJudge(tokens[i % TOKENS]!)
    return Number(process.hrtime.bigint() - started) / 1000
  })
}
