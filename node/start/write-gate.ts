import { writeModeOf } from '../config/cross-problems.ts'
import type { Config } from '../config/index.ts'

/**
 * Whether callers over HTTP may write without a token, now: as the configuration says, until it is closed. Nothing opens it
 * again while the node runs.
 */
export class WriteGate {
  readonly #config: Pick<Config, 'gateway' | 'security'>
  readonly #onClosed: (() => void)[] = []
  #isClosed = false

  constructor(config: Pick<Config, 'gateway' | 'security'>) {
    this.#config = config
  }

  get mode(): 'open' | 'token' {
    return this.#isClosed ? 'token' : writeModeOf(this.#config)
  }

  /** The name of an open sandbox for everybody; empty where it is none, or none any more. */
  get sandbox(): string {
    return this.#isClosed ? '' : this.#config.gateway.sandbox
  }

  /** Told once, when it closes. */
  onClosed(listener: () => void): void {
    this.#onClosed.push(listener)
  }

  /** From now on every write needs a token. Yields whether that is news. */
  close(): boolean {
    const isNews = this.mode === 'open'
    this.#isClosed = true
    if (isNews) for (const tell of this.#onClosed) tell()
    return isNews
  }
}
