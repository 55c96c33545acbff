import { OapError } from '../errors.ts'
import { tenantBytes } from '../frame.ts'
import { asciiBytes, asciiText, hexBytes, hexText } from './ascii.ts'
import { malformed } from './malformed.ts'

const VERSION = 1
const AT = { version: 0, capId: 1, kid: 17, tenant: 21, iat: 37, subjectLength: 45, subject: 46 } as const
const CAP_ID_BYTES = 16
const MAX_SUBJECT_BYTES = 128
const MAX_KID = 0xffff_ffff
const SUBJECT = /^[!-~]{1,128}$/

/** What a hub wrote into a token when it minted it. */
export interface TokenIdentifier {
  /** 32 hex digits: the name of the right, and of every copy that holders narrow. */
  readonly capId: string
  /** Which root key signed: they count upwards from 1. */
  readonly kid: number
  /** A UUID. */
  readonly tenant: string
  readonly subject?: string
  /** Unix seconds. */
  readonly iat: number
}

/** Throws `bad_request` naming the member that does not fit. @see specs/capabilities.md, section 4 */
export function encodeIdentifier({ capId, kid, tenant, subject = '', iat }: TokenIdentifier): Uint8Array {
  const id = hexBytes(capId)
  const tenantId = tenantBytes(tenant)
  const name = asciiBytes(subject)
  if (id?.length !== CAP_ID_BYTES) throw badMember('capId', '32 lower-case hex digits')
  if (tenantId === undefined) throw badMember('tenant', 'not the nil UUID')
  if (name === undefined || (subject !== '' && !SUBJECT.test(subject)))
    throw badMember('subject', `at most ${MAX_SUBJECT_BYTES} characters of ASCII without spaces`)
  if (!Number.isInteger(kid) || kid < 1 || kid > MAX_KID) throw badMember('kid', `from 1 to ${MAX_KID}`)
  if (!Number.isSafeInteger(iat) || iat < 0) throw badMember('iat', 'Unix seconds')
  const bytes = new Uint8Array(AT.subject + name.length)
  const view = new DataView(bytes.buffer)
  view.setUint8(AT.version, VERSION)
  bytes.set(id, AT.capId)
  view.setUint32(AT.kid, kid, true)
  bytes.set(tenantId, AT.tenant)
  view.setBigUint64(AT.iat, BigInt(iat), true)
  view.setUint8(AT.subjectLength, name.length)
  bytes.set(name, AT.subject)
  return bytes
}

/** Throws `cap_foreign` with the reason `malformed`. */
export function decodeIdentifier(bytes: Uint8Array): TokenIdentifier {
  if (bytes.length < AT.subject) throw malformed('an identifier that is too short')
  if (bytes[AT.version] !== VERSION) throw malformed('an identifier of another version')
  if (bytes.length !== AT.subject + bytes[AT.subjectLength]!)
    throw malformed('an identifier whose length does not fit its subject')
  const kid = uint32(bytes, AT.kid)
  const tenantId = tenantOf(bytes)
  const iat = uint32(bytes, AT.iat) + uint32(bytes, AT.iat + 4) * 0x1_0000_0000
  if (kid === 0) throw malformed('an identifier without a kid')
  if (tenantId.every(byte => byte === 0)) throw malformed('an identifier without a tenant')
  if (!Number.isSafeInteger(iat)) throw malformed('an identifier whose iat is beyond 2^53 - 1')
  const required = {
    capId: hexText(bytes, AT.capId, AT.capId + CAP_ID_BYTES),
    kid,
    tenant: uuidText(tenantId),
    iat
  }
  return bytes.length === AT.subject ? required : { ...required, subject: subjectOf(bytes) }
}

/** The 16 bytes of the tenant in an identifier, in the order of `tenant_id` on the wire. */
export const tenantOf = (identifier: Uint8Array): Uint8Array => identifier.subarray(AT.tenant, AT.iat)

function subjectOf(bytes: Uint8Array): string {
  const subject = asciiText(bytes.subarray(AT.subject))
  if (subject === undefined || !SUBJECT.test(subject))
    throw malformed('an identifier with a subject that is not ASCII without spaces, or too long')
  return subject
}

/** A printed UUID from its 16 bytes in the order of `tenant_id`, which is the reverse. */
function uuidText(wire: Uint8Array): string {
  const hex = hexText(wire.toReversed())
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

const uint32 = (bytes: Uint8Array, at: number): number =>
  (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0

const badMember = (member: string, wanted: string): OapError =>
  new OapError('bad_request', `${member}: ${wanted}`)
