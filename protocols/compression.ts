import { OapError } from './errors.ts'
import type { Platform } from './platform.ts'
import { checkZstdFrame } from './zstd-frame.ts'

export interface InflateLimits {
  /** Output over input at most, over all compressed frames of a call. */
  readonly maxRatio: number
  /** Output of one call at most, in bytes. */
  readonly maxBytes: number
}

export const DEFAULT_INFLATE_LIMITS: InflateLimits = { maxRatio: 10, maxBytes: 8_388_608 }

/** Bodies shorter than this are never worth a zstd frame. */
const MIN_DEFLATE_BYTES = 128

/** Inflates the compressed frames of one call and counts over all of them. */
export class Inflater {
  readonly #platform: Platform
  readonly #limits: InflateLimits
  #in = 0
  #out = 0

  constructor(platform: Platform, limits: InflateLimits = DEFAULT_INFLATE_LIMITS) {
    this.#platform = platform
    this.#limits = limits
  }

  /** The content of one zstd frame. Throws `bad_payload`, `ratio_cap` or `decompress_cap`. */
  inflate(body: Uint8Array): Uint8Array {
    if (this.#platform.inflate === undefined)
      throw new OapError('bad_payload', 'COMP: not spoken here, as HELLO says')
    if (body.length === 0) throw new OapError('bad_payload', 'COMP: the body is empty')
    checkZstdFrame(body)
    this.#in += body.length
    const byRatio = Math.floor(this.#in * this.#limits.maxRatio) - this.#out
    const bySize = this.#limits.maxBytes - this.#out
    const content = this.#run(body, Math.min(byRatio, bySize))
    if (content === undefined) throw new OapError(byRatio < bySize ? 'ratio_cap' : 'decompress_cap')
    this.#out += content.length
    return content
  }

  #run(body: Uint8Array, maxBytes: number): Uint8Array | undefined {
    try {
      return this.#platform.inflate!(body, Math.max(0, maxBytes))
    } catch {
      throw new OapError('bad_payload', 'COMP: the zstd frame does not inflate')
    }
  }
}

/** `body` as one zstd frame when that is shorter and inflates within the ratio, else undefined. */
export function deflate(platform: Platform, body: Uint8Array): Uint8Array | undefined {
  if (platform.deflate === undefined || body.length < MIN_DEFLATE_BYTES) return undefined
  const small = platform.deflate(body)
  const gains = small.length < body.length && small.length * DEFAULT_INFLATE_LIMITS.maxRatio >= body.length
  return gains ? small : undefined
}
