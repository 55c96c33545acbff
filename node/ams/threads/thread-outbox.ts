import { OapError } from '../../../protocols/index.ts'
import type { EnvelopeStore, GoingOut, Leaving, StoredEnvelope } from '../../stores/ams/index.ts'
import { sharedBody, topicOfThread } from './shared-envelope.ts'

const AT_ONCE = 32
const AGAIN = { firstMs: 250, mostMs: 30_000 }

/** What keeps one from going, and not those behind it: its share is full, or what it says itself. */
const OF_ONE: readonly string[] = ['mailbox_full', 'bad_request', 'body_oversize']
const isForAll = (error: unknown): boolean => !(error instanceof OapError && OF_ONE.includes(error.code))

/** An envelope as it goes into the shares of its topic. */
export interface ThreadSend {
  readonly topic: string
  readonly body: Uint8Array
  readonly attrs: Readonly<Record<string, string>> | undefined
  /** Row of the store that goes away in the step that makes it durable. */
  readonly key: string
  /** Whether it was withdrawn meanwhile: asked in the step that numbers it, which then only takes the row away. */
  readonly isWithdrawn: () => boolean
  /** The digest of the envelope. */
  readonly of: string
}

export interface ThreadOutboxOptions {
  /** Undefined while it is closed. */
  readonly envelopes: () =>
    Pick<EnvelopeStore, 'leaving' | 'goingOut' | 'at' | 'stays' | 'withdrawRest'> | undefined
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
 * up nothing behind it. Before it, has them given no more of what was redacted.
 */
export class ThreadOutbox {
  readonly #o: ThreadOutboxOptions
  #running: Promise<void> | undefined
  #isAsked = false
  #isWaiting = false
  #isStopped = false
  #waitMs = AGAIN.firstMs
  /** While it waits: the place behind which all may go at once; undefined where nothing can. */
  #goneThrough: number | undefined

  constructor(options: ThreadOutboxOptions) {
    this.#o = options
  }

  /** Something may be there to go. */
  kick(): void {
    if (this.#isStopped || (this.#isWaiting && this.#goneThrough === undefined)) return
    this.#isAsked = true
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
      const failure = await this.#pass(this.#isWaiting ? (this.#goneThrough ?? 0) : 0)
      if (failure !== undefined) this.#again(failure.error)
      else if (!this.#isWaiting) this.#waitMs = AGAIN.firstMs
      if (this.#isWaiting && this.#goneThrough === undefined) return
    }
  }

  /** Through all that is there behind a place, once. Yields the last failure. */
  async #pass(from: number): Promise<{ readonly error: unknown } | undefined> {
    let [after, failure] = [from, undefined as { readonly error: unknown } | undefined]
    for (;;) {
      this.#goneThrough = after
      const envelopes = this.#o.envelopes()
      if (envelopes === undefined || this.#isStopped) return failure
      try {
        await envelopes.withdrawRest()
        const rows = await envelopes.leaving(after, AT_ONCE)
        if (rows.length === 0) return failure
        after = rows.at(-1)!.place
        const results = await this.#sendAll(envelopes, rows)
        const bad = results.find(result => result.status === 'rejected')
        if (bad !== undefined) failure = { error: bad.reason }
        if (!results.some(result => result.status === 'rejected' && isForAll(result.reason))) continue
        this.#goneThrough = undefined
        return failure
      } catch (error) {
        this.#goneThrough = undefined
        return { error }
      }
    }
  }

  /** Read at once, and sent in their order: the one that is sent first gets the lower number. */
  async #sendAll(
    envelopes: Pick<EnvelopeStore, 'goingOut' | 'at' | 'stays'>,
    rows: readonly Leaving[]
  ): Promise<readonly PromiseSettledResult<void>[]> {
    const outs = rows.map(({ place }) => envelopes.goingOut(place))
    try {
      const found = await Promise.all(rows.map(({ place }) => envelopes.at(place)))
      return await Promise.allSettled(
        rows.map((row, n) => this.#send(envelopes, row, { envelope: found[n], out: outs[n]! }))
      )
    } finally {
      for (const { over } of outs) over()
    }
  }

  async #send(
    envelopes: Pick<EnvelopeStore, 'stays'>,
    row: Leaving,
    { envelope, out }: { readonly envelope: StoredEnvelope | undefined; readonly out: GoingOut }
  ): Promise<void> {
    const topic = topicOfThread(envelope?.immutable.thread)
    if (envelope === undefined || envelope.isRedacted === true || topic === undefined)
      return await envelopes.stays(row)
    const { trace, key } = row
    const attrs = trace === undefined ? undefined : { traceparent: trace }
    const isWithdrawn = (): boolean => out.isWithdrawn
    const of = envelope.sha256
    const isGone = await this.#o.send({ topic, body: sharedBody(envelope), attrs, key, isWithdrawn, of })
    if (isGone) this.#o.sent(of, trace)
    else await envelopes.stays(row)
  }

  #again(error: unknown): void {
    if (this.#isWaiting || this.#isStopped) return
    this.#o.failed(error)
    this.#isWaiting = true
    const waitMs = this.#waitMs
    this.#waitMs = Math.min(2 * waitMs, AGAIN.mostMs)
    this.#o.after(waitMs, () => {
      this.#isWaiting = false
      this.kick()
    })
  }
}
