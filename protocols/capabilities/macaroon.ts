/** Bounds of a token: the macaroon and its discharges together. */
export const MAX_TOKEN_BYTES = 4096
export const MAX_CAVEATS = 64

export const SIGNATURE_BYTES = 32
export const NONCE_BYTES = 24
/** A nonce, and a 32 byte key sealed under a tag of 16. */
export const VID_BYTES = NONCE_BYTES + 16 + SIGNATURE_BYTES

/** A restriction as it stands in a macaroon. With `vid` it asks for the discharge of a third party. */
export interface RawCaveat {
  readonly identifier: Uint8Array
  readonly vid?: Uint8Array
  /** Where the third party is. A hint: no signature covers it. */
  readonly location?: string
}

/** `location` is covered by no signature. */
export interface Macaroon {
  readonly location?: string
  readonly identifier: Uint8Array
  readonly caveats: readonly RawCaveat[]
  readonly signature: Uint8Array
}

/** What a START frame carries: a macaroon, and the discharges that its third-party caveats ask for, bound to it. */
export interface Token {
  readonly macaroon: Macaroon
  readonly discharges: readonly Macaroon[]
}
