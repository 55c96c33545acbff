/** What is said of a call that was shed. */
export const OVERLOADED = 'the node has more to do than it can'

/** What a node under pressure refuses: nothing, calls that write, or every call. */
export type Shedding = 'nothing' | 'writes' | 'calls'

/** From `enter` on a value is too high, and no longer when it has come down to `leave`. */
export interface Threshold {
  readonly enter: number
  readonly leave: number
}

/** What a call that writes is refused with while writes are shed. */
export type WriteRefusal = 'saturated' | 'disk_full'

/** One thing that is measured, and from where on it is too much. */
export interface Signal {
  readonly name: string
  /** `saturated` where it is absent. */
  readonly refusal?: WriteRefusal
  read(): number
  readonly writes: Threshold
  /** Absent where reads cost nothing of it. */
  readonly calls?: Threshold
}

/** Samples in a row above `enter` before it counts: one long turn is no overload. */
const SAMPLES_TO_ENTER = 2

/**
 * Whether a node has more to do than it can, judged from samples: writes are shed before reads, and what was shed is
 * taken again only when the signal has come well down.
 */
export class Pressure {
  readonly #watched: readonly Watched[]

  constructor(signals: readonly Signal[]) {
    this.#watched = signals.map(signal => new Watched(signal))
  }

  /** To be called at even intervals, four times a second or so. */
  sample(): void {
    for (const watched of this.#watched) watched.sample()
  }

  get shedding(): Shedding {
    if (this.#watched.some(({ shedding }) => shedding === 'calls')) return 'calls'
    return this.#watched.some(({ shedding }) => shedding === 'writes') ? 'writes' : 'nothing'
  }

  /** What a call that writes is refused with: what time alone does not mend goes before the rest. */
  get writeRefusal(): WriteRefusal {
    const own = this.#watched.find(({ shedding, refusal }) => shedding !== 'nothing' && refusal !== undefined)
    return own?.refusal ?? 'saturated'
  }

  /** The names of the signals that are too high. */
  get causes(): readonly string[] {
    return this.#watched.filter(({ shedding }) => shedding !== 'nothing').map(({ name }) => name)
  }

  /** Each signal's last value, for the operator. */
  get values(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#watched.map(({ name, value }) => [name, value]))
  }
}

class Watched {
  readonly #signal: Signal
  readonly #writes: Switch
  readonly #calls: Switch | undefined
  value = 0

  constructor(signal: Signal) {
    this.#signal = signal
    this.#writes = new Switch(signal.writes)
    this.#calls = signal.calls && new Switch(signal.calls)
  }

  get name(): string {
    return this.#signal.name
  }

  get refusal(): WriteRefusal | undefined {
    return this.#signal.refusal
  }

  get shedding(): Shedding {
    if (this.#calls?.isOn === true) return 'calls'
    return this.#writes.isOn ? 'writes' : 'nothing'
  }

  sample(): void {
    this.value = this.#signal.read()
    this.#writes.sample(this.value)
    this.#calls?.sample(this.value)
  }
}

class Switch {
  readonly #at: Threshold
  #above = 0
  isOn = false

  constructor(at: Threshold) {
    this.#at = at
  }

  sample(value: number): void {
    this.#above = value >= this.#at.enter ? this.#above + 1 : 0
    if (this.#above >= SAMPLES_TO_ENTER) this.isOn = true
    else if (value <= this.#at.leave) this.isOn = false
  }
}
