import { createCipheriv, createDecipheriv, createHash } from 'node:crypto'
import type { DelegatedKind } from '../delegation-book.ts'
import { exactly, textOf } from '../form.ts'
import { forms } from '../forms.ts'

/** First line of what is signed. */
export const ANNOUNCEMENT_TAG = 'omnigate/share-announcement/1'
/** The longest line, without a line feed. */
export const MAX_ANNOUNCEMENT_CHARS = 1024
const KEY_TAG = 'omnigate/share-announcement-key/1'
const CIPHER = 'aes-256-gcm'
export const ANNOUNCEMENT_NONCE_BYTES = 12
const TAG_BYTES = 16
const CONTENT_BYTES = 52
const SEALED_CHARS = Math.ceil((ANNOUNCEMENT_NONCE_BYTES + CONTENT_BYTES + TAG_BYTES) / 3) * 4

/**
 * A hub's word that it has numbered another message. Which share, and which number, is sealed for the hubs that know the
 * share's id: who merely passes it on learns that the hub sent something, and when. @see specs/federation-shares.md, section 7
 */
export type Announcement = {
  /** Unix seconds. */
  readonly at: number
  readonly epoch: number
  readonly hub: string
  readonly key: string
  /** Base64 of nonce, sealed content and authentication tag. */
  readonly sealed: string
}

export const ANNOUNCEMENT: DelegatedKind<Announcement> = {
  tag: ANNOUNCEMENT_TAG,
  maxChars: MAX_ANNOUNCEMENT_CHARS,
  role: 'message',
  claim: ({ hub, key, epoch, at }) => ({ hub, key, epoch, at }),
  form: exactly({
    at: forms.seconds,
    epoch: forms.epoch,
    hub: forms.hub,
    key: forms.hex32,
    sealed: textOf(/^[A-Za-z0-9+/]{107}=$/, '80 bytes in base64')
  })
}

/** What is sealed: all messages of the series up to this number are there. */
export interface Announced {
  readonly series: number
  readonly number: number
  /** Of the message with that number: its federated id in hex, and how long its body is. */
  readonly id: string
  readonly bytes: number
}

/** Seals for those who know the share. `nonce`: 12 random bytes, for this announcement alone. */
export function sealAnnounced(
  { share, hub }: { readonly share: string; readonly hub: string },
  { series, number, id, bytes }: Announced,
  nonce: Uint8Array
): string {
  const content = Buffer.alloc(CONTENT_BYTES)
  content.writeBigUInt64BE(BigInt(series), 0)
  content.writeBigUInt64BE(BigInt(number), 8)
  content.write(id, 16, 'hex')
  content.writeUInt32BE(bytes, 48)
  const cipher = createCipheriv(CIPHER, keyOf(share), nonce).setAAD(Buffer.from(hub))
  return Buffer.concat([nonce, cipher.update(content), cipher.final(), cipher.getAuthTag()]).toString(
    'base64'
  )
}

/** What is sealed; undefined where it is of another share, or no announcement at all. */
export function openAnnounced(share: string, { hub, sealed }: Announcement): Announced | undefined {
  if (sealed.length !== SEALED_CHARS) return undefined
  const bytes = Buffer.from(sealed, 'base64')
  const nonce = bytes.subarray(0, ANNOUNCEMENT_NONCE_BYTES)
  const decipher = createDecipheriv(CIPHER, keyOf(share), nonce).setAAD(Buffer.from(hub))
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES))
  try {
    const content = Buffer.concat([
      decipher.update(bytes.subarray(ANNOUNCEMENT_NONCE_BYTES, -TAG_BYTES)),
      decipher.final()
    ])
    return contentOf(content)
  } catch {
    return undefined
  }
}

function contentOf(content: Buffer): Announced | undefined {
  const series = Number(content.readBigUInt64BE(0))
  const number = Number(content.readBigUInt64BE(8))
  if (!Number.isSafeInteger(series) || !Number.isSafeInteger(number) || series < 1 || number < 1)
    return undefined
  return { series, number, id: content.toString('hex', 16, 48), bytes: content.readUInt32BE(48) }
}

const keyOf = (share: string): Uint8Array =>
  createHash('sha256').update(`${KEY_TAG}\n`).update(share, 'hex').digest()
