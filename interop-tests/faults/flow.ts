import type { Socket } from 'node:net'
import type { Cut } from './fault-plan.ts'
import type { FlowSchedule, Step } from './flow-schedule.ts'

/** What a flow holds before it stops reading; one further read of at most 64 KiB may come on top. */
export const HIGH_WATER_BYTES = 131_072

export interface FlowOwner {
  cut(cut: Cut): void
  /** The flow holds this many bytes now. */
  held(bytes: number): void
}

/** One direction of a connection: reads, waits as the schedule says, writes. Reads no faster than it can pass on. */
export class Flow {
  readonly #from: Socket
  readonly #to: Socket
  readonly #schedule: FlowSchedule
  readonly #owner: FlowOwner
  #chunks: Buffer[] = []
  #heldBytes = 0
  #isSilent = false
  #isBlocked = false
  #isClosed = false
  #timer: NodeJS.Timeout | undefined

  constructor(from: Socket, to: Socket, schedule: FlowSchedule, owner: FlowOwner) {
    this.#from = from
    this.#to = to
    this.#schedule = schedule
    this.#owner = owner
    from.on('data', chunk => this.#arrived(chunk as Buffer))
    from.on('end', () => this.#ended())
    to.on('drain', () => {
      this.#isBlocked = false
      this.#pump()
    })
  }

  get heldBytes(): number {
    return this.#heldBytes
  }

  /** A silent flow passes nothing on, not even the end. */
  silence(isSilent: boolean): void {
    this.#isSilent = isSilent
    this.#pump()
  }

  clear(): void {
    this.#schedule.clear()
    this.silence(false)
  }

  /** Ends the receiver's side; whatever still arrives is thrown away. */
  halfClose(): void {
    this.stop()
    this.#to.end()
  }

  stop(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
    this.#chunks = []
    this.#hold(-this.#heldBytes)
    this.#from.resume()
  }

  #arrived(chunk: Buffer): void {
    if (this.#isClosed) return
    this.#chunks.push(chunk)
    this.#hold(chunk.length)
    this.#schedule.arrived(chunk.length, performance.now())
    if (this.#heldBytes >= HIGH_WATER_BYTES) this.#from.pause()
    this.#pump()
  }

  #ended(): void {
    this.#schedule.ended(performance.now())
    this.#pump()
  }

  #pump(): void {
    clearTimeout(this.#timer)
    while (!this.#isSilent && !this.#isBlocked && !this.#isClosed) {
      const step = this.#schedule.next()
      if (step === undefined) return
      const waitMs = step.atMs - performance.now()
      // Timers have whole milliseconds: what is due within one passes now.
      if (waitMs > 1) return void (this.#timer = setTimeout(() => this.#pump(), waitMs))
      this.#schedule.take()
      this.#carryOut(step)
    }
  }

  #carryOut(step: Step): void {
    if (step.kind === 'cut') this.#owner.cut(step.cut)
    else if (step.kind === 'end') this.#to.end()
    else this.#write(step)
  }

  #write({ bytes, flip }: Extract<Step, { kind: 'pass' }>): void {
    const first = this.#chunks[0]!
    const piece = first.subarray(0, bytes)
    if (bytes === first.length) this.#chunks.shift()
    else this.#chunks[0] = first.subarray(bytes)
    if (flip !== undefined) piece[flip.atByte]! ^= flip.mask
    this.#hold(-bytes)
    this.#isBlocked = !this.#to.write(piece)
    if (this.#heldBytes < HIGH_WATER_BYTES / 2 && this.#from.isPaused()) this.#from.resume()
  }

  #hold(bytes: number): void {
    this.#heldBytes += bytes
    this.#owner.held(this.#heldBytes)
  }
}
