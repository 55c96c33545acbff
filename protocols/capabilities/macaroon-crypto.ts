/** The cryptography that macaroons need, by whoever runs them: Node has most of it, browsers bring a library. */
export interface MacaroonCrypto {
  /** 32 bytes. */
  readonly hmacSha256: (key: Uint8Array, message: Uint8Array) => Uint8Array
  /** 32 bytes. */
  readonly sha256: (bytes: Uint8Array) => Uint8Array
  /** Whether two arrays of one length hold the same bytes, in a time that does not depend on what they hold. */
  readonly equal: (a: Uint8Array, b: Uint8Array) => boolean
  readonly randomBytes: (length: number) => Uint8Array
  /** NaCl secretbox of a 32 byte key and a 24 byte nonce: 16 bytes of tag, then the ciphertext. */
  readonly seal: (key: Uint8Array, nonce: Uint8Array, plain: Uint8Array) => Uint8Array
  /** What was sealed; undefined when the tag does not fit. */
  readonly open: (key: Uint8Array, nonce: Uint8Array, sealed: Uint8Array) => Uint8Array | undefined
}

/** All that attenuation and binding need. */
export type MacaroonHmac = Pick<MacaroonCrypto, 'hmacSha256'>
