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
  /** Absent where writes cost nothing of it, as `calls` is for reads. */
  readonly writes?: Threshold
  readonly calls?: Threshold
  /** From where on nobody should send calls here, whether they are shed or not. */
  readonly ready?: Threshold
}

/** Samples in a row above `enter` before it counts: one long turn is no overload. */
const SAMPLES_TO_ENTER = 2

/**
 * Whether a node has more to do than it can, judged from samples: writes are shed before reads, and what was shed is
 * taken again only when the signal has come well down.
 */
export class Pressure {
  readonly #watched: readonly Watched[]
  #shedding: Shedding = 'nothing'

  constructor(signals: readonly Signal[]) {
    this.#watched = signals.map(signal => new Watched(signal))
  }

  /** To be called at even intervals, four times a second or so. */
  sample(): void {
    for (const watched of this.#watched) watched.sample()
    this.#shedding = mostOf(this.#watched.map(({ shedding }) => shedding))
  }

  /** As of the last sample, since every call asks. */
  get shedding(): Shedding {
    return this.#shedding
  }

  /** False while nobody should send calls here. */
  get isReady(): boolean {
    return this.shedding !== 'calls' && this.#watched.every(({ isReady }) => isReady)
  }

  /** What a call that writes is refused with: what time alone does not mend goes before the rest. */
  get writeRefusal(): WriteRefusal {
    const own = this.#watched.find(({ shedding, refusal }) => shedding !== 'nothing' && refusal !== undefined)
    return own?.refusal ?? 'saturated'
  }

  /** The names of the signals that are too high. */
  get causes(): readonly string[] {
    return this.#watched
      .filter(({ shedding, isReady }) => shedding !== 'nothing' || !isReady)
      .map(({ name }) => name)
  }

  /** Each signal's last value, for the operator. */
  get values(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#watched.map(({ name, value }) => [name, value]))
  }
}

function mostOf(levels: readonly Shedding[]): Shedding {
  if (levels.includes('calls')) return 'calls'
  return levels.includes('writes') ? 'writes' : 'nothing'
}

class Watched {
  readonly #signal: Signal
  readonly #writes: Switch | undefined
  readonly #calls: Switch | undefined
  readonly #ready: Switch | undefined
  value = 0

  constructor(signal: Signal) {
    this.#signal = signal
    this.#writes = signal.writes && new Switch(signal.writes)
    this.#calls = signal.calls && new Switch(signal.calls)
    this.#ready = signal.ready && new Switch(signal.ready)
  }

  get name(): string {
    return this.#signal.name
  }

  get refusal(): WriteRefusal | undefined {
    return this.#signal.refusal
  }

  get shedding(): Shedding {
    if (this.#calls?.isOn === true) return 'calls'
    return this.#writes?.isOn === true ? 'writes' : 'nothing'
  }

  get isReady(): boolean {
    return this.#ready?.isOn !== true
  }

  sample(): void {
    this.value = this.#signal.read()
    this.#writes?.sample(this.value)
    this.#calls?.sample(this.value)
    this.#ready?.sample(this.value)
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
