import {
  delegate,
  equivocationLine,
  formatSigned,
  hubId,
  keysProof,
  publicBytes,
  signingKey
} from '../../federation/index.ts'
import type { Delegation } from '../../federation/index.ts'
import type { MessageSigner } from '../../node/shares/index.ts'

/** Unix seconds at which every simulation begins. */
export const START_S = 1_795_000_000
export const WINDOW_S = 24 * 3600
export const TENANT = '11111111-1111-4111-8111-111111111111'
const NOT_BEFORE = START_S - 86_400
const NOT_AFTER = START_S + 10 ** 7

/** Who a hub is: all of it made of its number, so that it is the same in every run. */
export interface Name {
  readonly n: number
  readonly id: string
  readonly signer: MessageSigner
  readonly delegation: Delegation<'message'>
}

const known = new Map<number, Name>()

export function nameOf(n: number): Name {
  const name = known.get(n) ?? made(n)
  known.set(n, name)
  return name
}

function made(n: number): Name {
  const hubKey = signingKey(seed(n, 1))
  const key = signingKey(seed(n, 2))
  const hub = hubId(publicBytes(hubKey))
  const publicKey = Buffer.from(publicBytes(key)).toString('hex')
  const delegation = delegate(hubKey, {
    hub,
    node: 'core',
    role: 'message',
    key: publicKey,
    not_before: NOT_BEFORE,
    not_after: NOT_AFTER,
    epoch: 1
  })
  const signer = { hub, node: 'core', key, publicKey, epoch: 1, notBefore: NOT_BEFORE, notAfter: NOT_AFTER }
  return { n, id: hub, signer, delegation }
}

/** Proof that a hub has signed two delegations of one place. */
export function twoDelegations({ n, delegation }: Name): string {
  const other = delegate(signingKey(seed(n, 1)), { ...delegation.statement, not_after: NOT_AFTER + 1 })
  return equivocationLine(
    keysProof('delegations', delegation.statement.hub, [delegation, other].map(formatSigned))
  )
}

function seed(n: number, role: number): Uint8Array {
  const bytes = Buffer.alloc(32, role)
  bytes.writeUInt32BE(n)
  return bytes
}

/** The id of a share, which whoever is outside of it must not meet. */
export const shareIdOf = (share: number): string =>
  `5ec7e75ec7e75ec7e75ec7e7${share.toString(16).padStart(8, '0')}`
const SHARE_ID = /5ec7e75ec7e75ec7e75ec7e7([0-9a-f]{8})/g
export const topicOf = (share: number): string => `secret-${share}/news`
export const patternOf = (share: number): string => `secret-${share}/**`
export const bodyOf = (share: number, hub: number, n: number): string =>
  `secret-${share}/ message ${n} of hub ${hub}`
const TOPIC = /secret-(\d+)\//g

/** The shares that bytes tell something of. */
export function sharesIn(bytes: Uint8Array): ReadonlySet<number> {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
  const found = new Set<number>()
  for (const [, hex] of text.matchAll(SHARE_ID)) found.add(Number.parseInt(hex!, 16))
  for (const [, digits] of text.matchAll(TOPIC)) found.add(Number(digits))
  return found
}
