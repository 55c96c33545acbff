import { Child } from './child.ts'
import type { Established } from './establishment.ts'

export interface ConnectingEnds {
  readonly name: string
  /**
   * Run twice, as `listener` and as `dialler`. Each answers `self`, what the other has to know of it; `meet` with that of
   * the `other`; `expect`, and `ended` with what came then (`Establishment`); `connect` and `part`, the dialler alone; and
   * `parted` once no connection is left.
   */
  readonly script: URL
  /** Its arguments behind that. */
  readonly args: readonly string[]
}

export interface Connected {
  readonly micros: number
  readonly cpuMicros: number
}

/** Two processes that connect, and part again, as often as they are asked to. */
export class ConnectingPair implements AsyncDisposable {
  readonly name: string
  readonly #listener: Child
  readonly #dialler: Child

  private constructor(name: string, listener: Child, dialler: Child) {
    this.name = name
    this.#listener = listener
    this.#dialler = dialler
  }

  static async start({ name, script, args }: ConnectingEnds): Promise<ConnectingPair> {
    await using started = new AsyncDisposableStack()
    const start = (side: string) => started.use(Child.start(`${name} ${side}`, script, [side, ...args]))
    const listener = start('listener')
    const dialler = start('dialler')
    await listener.ask('meet', { args: { other: await dialler.ask('self') } })
    await dialler.ask('meet', { args: { other: await listener.ask('self') } })
    started.move()
    return new ConnectingPair(name, listener, dialler)
  }

  /** The time is from the dialler's socket until the dialler is up, the CPU of both processes. */
  async connect(): Promise<Connected> {
    const both = [this.#listener, this.#dialler]
    for (const child of both) await child.ask('expect')
    const listening = this.#listener.ask<Established>('ended')
    const dialling = this.#dialler.ask<Established>('ended')
    await this.#dialler.ask('connect')
    const [there, here] = await Promise.all([listening, dialling])
    await this.#dialler.ask('part')
    await this.#listener.ask('parted')
    return {
      micros: here.upMicros - here.socketMicros,
      cpuMicros: here.cpuMicros + there.cpuMicros
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#dialler.stop()
    await this.#listener.stop()
  }
}
