import type { CallOptions } from '../protocols/index.ts'
import { attempts, pause } from './attempts.ts'
import type { CapabilityHolder } from './capability-holder.ts'
import { typedError } from './errors.ts'
import { inTime, joined } from './in-time.ts'
import { Reading } from './reading.ts'
import type { RetryPolicy } from './retry.ts'
import type { Time } from './time.ts'

/** What any call of a client may be told. */
export interface HubCallOptions {
  readonly signal?: AbortSignal | undefined
  /** Over all attempts. Default 30,000 for a call with one answer, none for one that streams. */
  readonly deadlineMs?: number | undefined
  /** The body is sealed between applications: nobody on the way inflates or reads it. */
  readonly e2e?: boolean | undefined
  /** Sends the body as zstd where that is shorter; ignored where the platform has none. */
  readonly compress?: boolean | undefined
  /** The W3C traceparent to pass on; default: what the client's `traceparent` says. */
  readonly traceparent?: string | undefined
  /** The capability of this call, in place of the client's; it is not renewed. */
  readonly cap?: Uint8Array | undefined
  /** True for a call that may be carried out twice: it is repeated when its answer is lost. */
  readonly isIdempotent?: boolean | undefined
  /** Told the corr_id of each attempt once it is on its way. */
  readonly onOpen?: ((corrId: bigint) => void) | undefined
}

/** A call whose body may be gone with its first attempt. */
export interface MadeOptions extends HubCallOptions {
  readonly isSpent?: (() => boolean) | undefined
}

export interface CallsOptions {
  readonly holder: CapabilityHolder
  readonly time: Time
  readonly policy: RetryPolicy
  readonly deadlineMs: number
  readonly traceparent: (() => string | undefined) | undefined
  /** Aborts when the client is closed, with what is thrown to those who wait. */
  readonly closing: AbortSignal
}

/** How calls of one client are made: with its capability, its deadline, and again where that is safe. */
export class Calls {
  readonly time: Time
  readonly policy: RetryPolicy
  readonly #o: CallsOptions

  constructor(options: CallsOptions) {
    this.#o = options
    this.time = options.time
    this.policy = options.policy
  }

  /** A call with one answer. `make` is called for each attempt with what to tell the session. */
  unary<T>(
    options: MadeOptions,
    isRepeatable: boolean,
    make: (options: CallOptions) => Promise<T>
  ): Promise<T> {
    return this.#made(options, options.deadlineMs ?? this.#o.deadlineMs, isRepeatable, make)
  }

  /** The opening of a call that streams; what `make` opens is read by way of `reading`. */
  async streamed<T>(
    options: MadeOptions,
    isRepeatable: boolean,
    make: (options: CallOptions, reading: Reading) => Promise<T>
  ): Promise<T> {
    const reading = new Reading(options.signal, this.#o.closing)
    const onOpen = (corrId: bigint): void => {
      reading.corrId = corrId
      options.onOpen?.(corrId)
    }
    const { signal } = reading
    try {
      return await this.#made({ ...options, onOpen }, options.deadlineMs, isRepeatable, call =>
        make({ ...call, signal }, reading)
      )
    } catch (error) {
      reading.release()
      throw error
    }
  }

  /** Whether a call refused with `error` may be made again, as its capability was replaced, with patience. Throws as `pause`. */
  async mend(
    error: unknown,
    used: Uint8Array | undefined,
    signal: AbortSignal | undefined
  ): Promise<boolean> {
    const { holder, time, closing } = this.#o
    const over = joined(signal, closing)
    const mending = holder.mend(error, used, over.signal)
    const isMended = await inTime(mending, { time, ms: undefined, signals: [over.signal] })
      .catch(() => false)
      .finally(over.release)
    this.#throwIfOver(signal)
    return isMended
  }

  /** Resolves after `ms`. Throws the reason of `signal`, and LinkError `closed` when the client is closed. */
  async pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
    await pause(this.time, ms, signal, this.#o.closing)
    this.#throwIfOver(signal)
  }

  #throwIfOver(signal: AbortSignal | undefined): void {
    signal?.throwIfAborted()
    if (this.#o.closing.aborted) throw typedError(this.#o.closing.reason, undefined)
  }

  get deadlineMs(): number {
    return this.#o.deadlineMs
  }

  /** The trace that calls are part of, where the application says one. No call fails for want of it. */
  traceparent(): string | undefined {
    try {
      return this.#o.traceparent?.()
    } catch {
      return undefined
    }
  }

  get cap(): Uint8Array | undefined {
    return this.#o.holder.cap
  }

  #made<T>(
    options: MadeOptions,
    deadlineMs: number | undefined,
    isRepeatable: boolean,
    make: (options: CallOptions) => Promise<T>
  ): Promise<T> {
    const { signal, e2e, compress, isIdempotent = false } = options
    let trace = options.traceparent
    let used: Uint8Array | undefined
    return attempts(
      {
        time: this.time,
        policy: this.policy,
        signal,
        closing: this.#o.closing,
        deadlineMs,
        isRepeatable: isRepeatable || isIdempotent,
        isSpent: options.isSpent,
        mend: async error => options.cap === undefined && this.#o.holder.mend(error, used)
      },
      async attempt => {
        used = this.cap
        trace ??= this.traceparent()
        const onOpen = (corrId: bigint): void => {
          attempt.onOpen(corrId)
          options.onOpen?.(corrId)
        }
        return make({
          signal,
          e2e,
          compress,
          trace,
          cap: options.cap ?? used,
          deadlineMs: attempt.deadlineMs,
          onOpen
        })
      }
    )
  }
}
