import { OapError, parseJson } from '../../protocols/index.ts'
import type { JsonObject } from '../../protocols/index.ts'
import { canonicalJson, canonicalJsonRead } from '../canonical.ts'
import type { CanonicalValue } from '../canonical.ts'
import type { Delegation } from '../delegation.ts'
import { ascending, atLeast, formed, listOf, oneOf, textOf, whole } from '../form.ts'
import type { Form } from '../form.ts'
import { forms } from '../forms.ts'
import { TREATY_GRANT } from '../treaty-grant.ts'
import type { TreatyGrant } from '../treaty-grant.ts'
import { ed25519PeerId, linkDelegation, textWithin } from './forms.ts'
import { HANDSHAKE } from './numbers.ts'

/** Either side; the initiator opened the session. */
export type Side = 'initiator' | 'responder'
/** What a handshake is for: a link, or the pairing of hubs that have no treaty yet. */
export type Purpose = 'link' | 'pair'

/** What one side says of itself to a hub that has proved itself. */
export interface Facts {
  /** The note of the newest audit checkpoint. */
  readonly checkpoint?: string
  /** SHA-256 of the newest manifest, in hex. */
  readonly manifest?: string
  readonly revocation_seq: number
  /** What the sender grants the receiver. */
  readonly treaty: TreatyGrant
}

interface Addressed {
  readonly from: string
  readonly to: string
  /** Extensions that the receiver has to know. */
  readonly must?: readonly string[]
}

export interface Hello extends Addressed {
  readonly algs: readonly string[]
  readonly boot: string
  readonly federation: string
  readonly nonce: string
  readonly time: number
  readonly versions: readonly number[]
}

export interface Challenge extends Addressed {
  readonly alg: string
  /** The nonce of the hello. */
  readonly answers: string
  readonly boot: string
  readonly delegation: Delegation
  readonly federation: string
  readonly nonce: string
  readonly time: number
  readonly version: number
}

export interface Proof extends Addressed {
  /** The initiator's; the responder's stands in its challenge. */
  readonly delegation?: Delegation
  readonly facts?: Facts
  readonly nonces: Readonly<Record<Side, string>>
  readonly purpose: Purpose
  readonly role: Side
}

const MAX_VERSION = 0xffff
const MOST_CHOICES = 8

const name = textOf(/^[a-z0-9-]{1,32}$/, '1 to 32 of a-z, 0-9, -')
const federation = textOf(/^[a-z0-9-]{1,63}$/, '1 to 63 of a-z, 0-9, -')
const boot = textOf(/^[0-9a-f]{32}$/, '32 hex digits')
const version = whole(1, MAX_VERSION)
const nonce = forms.hex32
const addresses = { from: ed25519PeerId, to: ed25519PeerId }
const extensions = { must: ascending(listOf(name, MOST_CHOICES)) }
const introduction = { ...addresses, boot, federation, nonce, time: forms.seconds }

const HELLO: Form<Hello> = atLeast(
  {
    ...introduction,
    algs: ascending(listOf(name, MOST_CHOICES, 1)),
    versions: ascending(listOf(version, MOST_CHOICES, 1))
  },
  extensions
)

const CHALLENGE: Form<Challenge> = atLeast(
  { ...introduction, alg: name, answers: nonce, delegation: linkDelegation, version },
  extensions
)

const GRANT: Form<TreatyGrant> = (value, path, tell) => {
  const bytes = Buffer.byteLength(canonicalJsonRead(value as CanonicalValue))
  if (bytes > HANDSHAKE.grantBytes) return tell(path, `more than ${HANDSHAKE.grantBytes} bytes`)
  return TREATY_GRANT(value, path, tell)
}

const FACTS: Form<Facts> = atLeast(
  { revocation_seq: whole(0), treaty: GRANT },
  { checkpoint: textWithin(HANDSHAKE.checkpointBytes), manifest: forms.hex32 }
)

const PROOF: Form<Proof> = atLeast(
  {
    ...addresses,
    nonces: atLeast({ initiator: nonce, responder: nonce }, {}),
    purpose: oneOf('link', 'pair'),
    role: oneOf('initiator', 'responder')
  },
  { ...extensions, delegation: linkDelegation, facts: FACTS }
)

/** @throws SyntaxError for bytes of another form. */
export const readHello = (bytes: Uint8Array): Hello =>
  formed(HELLO, canonicalObject(bytes, HANDSHAKE.helloBytes))

/** @throws SyntaxError */
export const readChallenge = (bytes: Uint8Array): Challenge =>
  formed(CHALLENGE, canonicalObject(bytes, HANDSHAKE.challengeBytes))

/** @throws SyntaxError */
export function readProof(bytes: Uint8Array): Proof {
  const proof = formed(PROOF, canonicalObject(bytes, HANDSHAKE.proofBytes))
  if ((proof.facts !== undefined) !== (proof.purpose === 'link'))
    throw new SyntaxError('facts: with the purpose link, and with it alone')
  if ((proof.delegation !== undefined) !== (proof.role === 'initiator'))
    throw new SyntaxError('delegation: in the proof of the initiator, and there alone')
  return proof
}

/** The bytes that are sent and signed. @throws RangeError when they are more than a reader takes. */
export function writeMessage(message: Hello | Challenge | Proof, maxBytes: number): Uint8Array {
  const { delegation } = message as { readonly delegation?: Delegation }
  const members = { ...message, ...(delegation !== undefined && { delegation: inJson(delegation) }) }
  const bytes = new TextEncoder().encode(canonicalJson(members as unknown as CanonicalValue))
  if (bytes.length > maxBytes) throw new RangeError(`a message of ${bytes.length} bytes, at most ${maxBytes}`)
  return bytes
}

const inJson = ({ signature, statement }: Delegation) => ({
  signature: Buffer.from(signature).toString('base64'),
  statement
})

function canonicalObject(bytes: Uint8Array, maxBytes: number): JsonObject {
  let value: JsonObject
  try {
    value = parseJson(bytes, { maxBytes, maxValues: HANDSHAKE.values })
  } catch (error) {
    if (error instanceof OapError) throw new SyntaxError(error.message, { cause: error })
    throw error
  }
  if (Buffer.compare(Buffer.from(canonicalJsonRead(value as CanonicalValue)), bytes) !== 0)
    throw new SyntaxError('not canonical JSON')
  return value
}
