import { Inflater } from './compression.ts'
import type { InflateLimits } from './compression.ts'
import { OapError } from './errors.ts'
import { FLAG } from './frame.ts'
import type { Platform } from './platform.ts'
import type { ServerCall } from './server-call.ts'

/** Body bytes of a session that wait for handlers; above it the session stops reading. */
const HIGH_WATER_BYTES = 262_144

export interface UploadOwner {
  readonly platform: Platform
  readonly inflateLimits: InflateLimits | undefined
  held(bytes: number): void
  /** Told when a handler has taken bytes: there may be room to read on. */
  taken(bytes: number): void
  inflated(bytesIn: number, bytesOut: number): void
  /** A piece does not unpack: the call is to be refused. */
  failed(call: ServerCall, error: unknown): void
}

/**
 * The streamed request bodies of a session. A piece waits as it came and is inflated when the handler comes to it:
 * nothing is unpacked before the guards have judged, and what is unpacked waits nowhere.
 */
export class Uploads {
  readonly #owner: UploadOwner
  #waitingBytes = 0

  constructor(owner: UploadOwner) {
    this.#owner = owner
  }

  get isFull(): boolean {
    return this.#waitingBytes > HIGH_WATER_BYTES
  }

  /** Opens the body of a call with the part that its START brought. */
  open(call: ServerCall, first: Uint8Array): void {
    const queue = call.openBody(
      { held: bytes => this.#count(bytes), taken: bytes => this.#count(-bytes) },
      bytes => this.#inflatePiece(call, bytes)
    )
    if (first.length > 0) this.push(call, call.startFlags, first)
    if (!call.isReceiving) queue.end()
  }

  /** Throws `bad_payload` for a compressed piece without content; what else is wrong shows when it is taken. */
  push(call: ServerCall, flags: number, bytes: Uint8Array): void {
    const isSealed = ((flags | call.startFlags) & FLAG.APP_E2E) !== 0
    const isPacked = (flags & FLAG.COMP) !== 0 && !isSealed
    if (bytes.length > 0) call.queue?.push(bytes, isPacked)
    else if (isPacked) throw new OapError('bad_payload', 'COMP: the body is empty')
  }

  /** The body of a call that came whole in its START. Throws `bad_payload`, `ratio_cap` or `decompress_cap`. */
  whole(call: ServerCall, body: Uint8Array): Uint8Array {
    return (call.startFlags & FLAG.COMP) === 0 || call.isE2e ? body : this.#inflate(call, body)
  }

  #inflatePiece(call: ServerCall, bytes: Uint8Array): Uint8Array {
    try {
      return this.#inflate(call, bytes)
    } catch (error) {
      this.#owner.failed(call, error)
      throw error
    }
  }

  #inflate(call: ServerCall, bytes: Uint8Array): Uint8Array {
    call.inflater ??= new Inflater(this.#owner.platform, this.#owner.inflateLimits)
    const plain = call.inflater.inflate(bytes)
    this.#owner.inflated(bytes.length, plain.length)
    return plain
  }

  #count(bytes: number): void {
    this.#waitingBytes += bytes
    if (bytes > 0) this.#owner.held(bytes)
    else this.#owner.taken(-bytes)
  }
}
