import { subscribe } from 'node:diagnostics_channel'
import { setTimeout as sleep } from 'node:timers/promises'

/** Node's own word that this process has made, or taken, a socket. */
const SOCKET = { dialler: 'net.client.socket', listener: 'net.server.socket' } as const

/** What a side still does once it is up, as writing down that it is, counts as its CPU. */
const AFTERMATH_MS = 50

/** One connection of this process, from its socket on. */
export interface Established {
  /** When the socket was there and when the connection was up: microseconds of a clock that all processes share. */
  readonly socketMicros: number
  readonly upMicros: number
  /** User plus system time of the process from the socket on, until a little after it was up. */
  readonly cpuMicros: number
}

/** Times connections of this process one by one. Whoever knows when one is up says so. */
export class Establishment {
  #from: { readonly micros: number; readonly cpu: NodeJS.CpuUsage } | undefined
  #isExpecting = false
  #upMicros = Promise.withResolvers<number>()

  constructor(side: keyof typeof SOCKET) {
    subscribe(SOCKET[side], () => this.#begin())
  }

  /** The next socket is the one that counts. */
  expect(): void {
    this.#from = undefined
    this.#isExpecting = true
    this.#upMicros = Promise.withResolvers()
  }

  isUp(): void {
    if (this.#from !== undefined) this.#upMicros.resolve(nowMicros())
  }

  async ended(): Promise<Established> {
    const upMicros = await this.#upMicros.promise
    await sleep(AFTERMATH_MS)
    const { micros, cpu } = this.#from!
    const { user, system } = process.cpuUsage(cpu)
    return { socketMicros: micros, upMicros, cpuMicros: user + system }
  }

  #begin(): void {
    if (!this.#isExpecting) return
    this.#isExpecting = false
    this.#from = { micros: nowMicros(), cpu: process.cpuUsage() }
  }
}

const nowMicros = (): number => Number(process.hrtime.bigint() / 1000n)
