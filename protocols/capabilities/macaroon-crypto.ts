/** The cryptography that macaroons need, by whoever runs them: Node has most of it, browsers bring a library. */
export interface MacaroonCrypto {
  /** 32 bytes. */
  hmacSha256(key: Uint8Array, message: Uint8Array): Uint8Array
  /** 32 bytes. */
  sha256(bytes: Uint8Array): Uint8Array
  /** Whether two arrays of one length hold the same bytes, in a time that does not depend on what they hold. */
  equal(a: Uint8Array, b: Uint8Array): boolean
  randomBytes(length: number): Uint8Array
  /** NaCl secretbox of a 32 byte key and a 24 byte nonce: 16 bytes of tag, then the ciphertext. */
  seal(key: Uint8Array, nonce: Uint8Array, plain: Uint8Array): Uint8Array
  /** What was sealed; undefined when the tag does not fit. */
  open(key: Uint8Array, nonce: Uint8Array, sealed: Uint8Array): Uint8Array | undefined
}

/** All that attenuation and binding need. */
export type MacaroonHmac = Pick<MacaroonCrypto, 'hmacSha256'>
