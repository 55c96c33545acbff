import { setTimeout as sleep } from 'node:timers/promises'
import { numberedBody, readNumbered } from './numbered-body.ts'
import { openLoop } from './open-loop.ts'
import type { Arrival, SentByOne } from './spread-of-messages.ts'

const LAST_ANSWER_MS = 30_000

/** What a member is asked to send in one phase: its part of all that is sent. */
export interface Sending {
  readonly phase: number
  readonly from: number
  readonly bytes: number
  readonly perSecond: number
  readonly forMs: number
  /** How long after it is asked its first message is due. */
  readonly afterMs: number
}

/** Notes, in the process of a member, what it sends and what comes to it. */
export class SpreadingMember {
  readonly #send: (body: Uint8Array) => Promise<unknown>
  readonly #arrived = new Map<number, Arrival[]>()

  /** `send` resolves once the message is acknowledged. */
  constructor(send: (body: Uint8Array) => Promise<unknown>) {
    this.#send = send
  }

  /** A message is here since a moment of `nowMicros()`. */
  noteArrival(body: Uint8Array, micros: number): void {
    const { phase, from, number } = readNumbered(body)
    const arrivals = this.#arrived.get(phase) ?? []
    arrivals.push([from, number, micros])
    this.#arrived.set(phase, arrivals)
  }

  /** Sends at a pace whatever becomes of it, and resolves once all has its answer, or will have none. */
  async send({ phase, from, bytes, perSecond, forMs, afterMs }: Sending): Promise<SentByOne> {
    const acknowledged: (number | null)[] = []
    const open: Promise<void>[] = []
    await sleep(afterMs)
    const startMicros = nowMicros()
    await openLoop({ perSecond, forMs }, () => {
      const number = acknowledged.push(null) - 1
      const noted = () => void (acknowledged[number] = nowMicros())
      open.push(this.#send(numberedBody({ phase, from, number }, bytes)).then(noted, () => undefined))
    })
    await Promise.race([Promise.all(open), sleep(LAST_ANSWER_MS, undefined, { ref: false })])
    return { acknowledged, startMicros }
  }

  count(phase: number): number {
    return this.#arrived.get(phase)?.length ?? 0
  }

  /** What came in a phase; nothing of it is kept. */
  taken(phase: number): readonly Arrival[] {
    const arrivals = this.#arrived.get(phase) ?? []
    this.#arrived.delete(phase)
    return arrivals
  }
}

/** Of a clock that all processes share. */
export const nowMicros = (): number => Number(process.hrtime.bigint() / 1000n)
