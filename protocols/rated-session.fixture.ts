import { plainPlatform } from './platform.ts'
import type { Platform } from './platform.ts'
import { OpenConnection } from './session-pair.fixture.ts'
import { TokenBucket } from './token-bucket.ts'

export const RATE = 100_000

/** Time that goes on when it is told to. */
export class FakeTime {
  #now = 0
  readonly #timers = new Map<object, { readonly at: number; readonly run: () => void }>()

  get timers(): number {
    return this.#timers.size
  }

  readonly platform: Platform = {
    ...plainPlatform,
    now: () => this.#now,
    setTimer: (run, ms) => {
      const timer = {}
      this.#timers.set(timer, { at: this.#now + ms, run })
      return timer
    },
    clearTimer: timer => void this.#timers.delete(timer as object)
  }

  now(): number {
    return this.#now
  }

  async pass(ms: number): Promise<void> {
    this.#now += ms
    for (const [timer, { at, run }] of this.#timers) {
      if (at > this.#now) continue
      this.#timers.delete(timer)
      run()
    }
    await settled()
  }
}

export const settled = async (): Promise<void> => {
  for (let i = 0; i < 40; i++) await new Promise(resolve => setImmediate(resolve))
}

/** A connection whose streams run at `RATE`, both ways; what they and others were charged is counted. */
export class RatedConnection extends OpenConnection {
  streamedBytes = 0
  otherBytes = 0
  readonly #time: FakeTime
  readonly #bucket: TokenBucket

  constructor(time: FakeTime, rate = RATE) {
    super()
    this.#time = time
    this.#bucket = new TokenBucket(rate, rate, 0)
  }

  override received(bytes: number): void {
    this.otherBytes += bytes
  }

  override streamed(bytes: number): number {
    this.streamedBytes += bytes
    return this.#bucket.charge(bytes, this.#time.now())
  }
}
