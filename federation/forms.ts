import { type Form, textOf, whole } from './form.ts'
import { hubPublicKey } from './hub-id.ts'

/** The bound keeps every value a valid Date. */
const MAX_TIME_S = 8_640_000_000_000

const hub: Form<string> = (value, path, tell) =>
  typeof value === 'string' && hubPublicKey(value) !== undefined ? value : tell(path, 'not a hub id')

/** Forms of members that several kinds of statement have. */
export const forms = {
  /** Whole seconds since 1970. */
  seconds: whole(1, MAX_TIME_S),
  /** Counts from 1. */
  epoch: whole(1),
  /** A hub id whose key is usable. */
  hub,
  nodeName: textOf(/^[a-z0-9-]{1,63}$/, 'a node name'),
  /** A libp2p peer id in base58. */
  peerId: textOf(/^[1-9A-HJ-NP-Za-km-z]{1,128}$/, 'a peer id'),
  /** 32 bytes in lower-case hex: an Ed25519 public key, or a SHA-256. */
  hex32: textOf(/^[0-9a-f]{64}$/, '64 hex digits'),
  /** 64 bytes in base64 with padding. */
  signature: textOf(/^[A-Za-z0-9+/]{86}==$/, '64 bytes in base64')
} as const
