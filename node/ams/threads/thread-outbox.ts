import type { EnvelopeStore, Leaving } from '../../stores/ams/index.ts'
import { sharedBody, topicOfThread } from './shared-envelope.ts'

const AT_ONCE = 32
const AGAIN = { firstMs: 250, mostMs: 30_000 }

/** An envelope as it goes into the shares of its topic. */
export interface ThreadSend {
  readonly topic: string
  readonly body: Uint8Array
  readonly attrs: Readonly<Record<string, string>> | undefined
  /** Row of the store that goes away in the step that makes it durable. */
  readonly key: string
}

export interface ThreadOutboxOptions {
  /** Undefined while it is closed. */
  readonly envelopes: () => Pick<EnvelopeStore, 'leaving' | 'at' | 'stays'> | undefined
  /** Resolves once it would survive a power cut, with false where its topic goes out in no share any more. */
  readonly send: (message: ThreadSend) => Promise<boolean>
  /** An envelope has gone to where other hubs fetch it. */
  readonly sent: (sha256: string, trace: string | undefined) => void
  /** Something could not go yet. */
  readonly failed: (error: unknown) => void
  readonly after: (ms: number, run: () => void) => void
}

/**
 * Sends what is to go to other hubs, in the order in which it was stored, and again until it has gone: what cannot go holds
 * up nothing behind it.
 */
export class ThreadOutbox {
  readonly #o: ThreadOutboxOptions
  #running: Promise<void> | undefined
  #isAsked = false
  #isWaiting = false
  #isStopped = false
  #waitMs = AGAIN.firstMs

  constructor(options: ThreadOutboxOptions) {
    this.#o = options
  }

  /** Something may be there to go. */
  kick(): void {
    this.#isAsked = true
    if (this.#isStopped) return
    this.#running ??= this.#work().finally(() => {
      this.#running = undefined
    })
  }

  /** Resolves once nothing is under way; nothing begins any more. */
  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#running
  }

  async #work(): Promise<void> {
    while (this.#isAsked && !this.#isStopped) {
      this.#isAsked = false
      const failure = await this.#pass()
      if (failure === undefined) {
        this.#waitMs = AGAIN.firstMs
        continue
      }
      this.#o.failed(failure.error)
      this.#again()
      return
    }
  }

  /** Through all that is there, once. Yields the last failure. */
  async #pass(): Promise<{ readonly error: unknown } | undefined> {
    let [after, failure] = [0, undefined as { readonly error: unknown } | undefined]
    for (;;) {
      const envelopes = this.#o.envelopes()
      if (envelopes === undefined || this.#isStopped) return failure
      try {
        const rows = await envelopes.leaving(after, AT_ONCE)
        if (rows.length === 0) return failure
        after = rows.at(-1)!.place
        const results = await Promise.allSettled(rows.map(row => this.#send(envelopes, row)))
        const bad = results.find(result => result.status === 'rejected')
        if (bad !== undefined) failure = { error: bad.reason }
        // Nothing of them could go, so nothing behind them can.
        if (results.every(({ status }) => status === 'rejected')) return failure
      } catch (error) {
        return { error }
      }
    }
  }

  async #send(envelopes: Pick<EnvelopeStore, 'at' | 'stays'>, row: Leaving): Promise<void> {
    const envelope = await envelopes.at(row.place)
    const topic = topicOfThread(envelope?.immutable.thread)
    if (envelope === undefined || topic === undefined) return await envelopes.stays(row)
    const { trace } = row
    const attrs = trace === undefined ? undefined : { traceparent: trace }
    const isGone = await this.#o.send({ topic, body: sharedBody(envelope), attrs, key: row.key })
    if (isGone) this.#o.sent(envelope.sha256, trace)
    else await envelopes.stays(row)
  }

  #again(): void {
    if (this.#isWaiting || this.#isStopped) return
    this.#isWaiting = true
    const waitMs = this.#waitMs
    this.#waitMs = Math.min(2 * waitMs, AGAIN.mostMs)
    this.#o.after(waitMs, () => {
      this.#isWaiting = false
      this.kick()
    })
  }
}
